"""Kubernetes: the port, the client of a real API server, and the twin in memory."""
