"""Units of size, in bytes."""

GIB = 1024**3
