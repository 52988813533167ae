"""Where algorithms run: one port (`port.py`), a side for this machine, a twin in memory."""
