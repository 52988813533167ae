"""The DIMSE door of archives: devices send to the project that they call (PS3.4 B)."""
