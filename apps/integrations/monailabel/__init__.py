"""The door to MONAI Label servers."""
