"""What the DICOMweb addresses say and understand (PS3.18); the doors themselves are in `archives.views`."""
