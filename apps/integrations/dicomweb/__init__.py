"""The door to DICOM servers that speak HTTP."""
