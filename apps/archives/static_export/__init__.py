"""The full static layout of an archive: what a DICOMweb client asks for, as files, served by no process of ours."""
