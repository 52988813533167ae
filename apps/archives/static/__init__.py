"""The built-in DICOM store: P10 objects in a folder, read only by limited child processes.

Nothing here imports Django: the same modules run in the children, whose start time counts.
"""
