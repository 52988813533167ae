"""DIMSE (PS3.7) over associations (PS3.8), by pynetdicom: https://pydicom.github.io/pynetdicom/."""
