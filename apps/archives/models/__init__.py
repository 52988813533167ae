"""Where a project's images are, the index of them, and what is done with them."""

from apps.archives.models.archives import (
    NAME_OF_ARCHIVE_LENGTH,
    REMOTE_NAME_LENGTH,
    Archive,
    RemoteServer,
    SkippedObject,
)
from apps.archives.models.changes import Deletion, Deposit
from apps.archives.models.devices import AE_TITLE_LENGTH, ApplicationEntity, DicomDevice, is_ae_title
from apps.archives.models.exports import Export
from apps.archives.models.index import NAME_LENGTH, TEXT_LENGTH, UID_LENGTH, Instance, Patient, Series, Study
from apps.archives.models.reads import StudyRead

__all__ = [
    "AE_TITLE_LENGTH",
    "NAME_LENGTH",
    "NAME_OF_ARCHIVE_LENGTH",
    "REMOTE_NAME_LENGTH",
    "TEXT_LENGTH",
    "UID_LENGTH",
    "ApplicationEntity",
    "Archive",
    "Deletion",
    "Deposit",
    "DicomDevice",
    "Export",
    "Instance",
    "Patient",
    "RemoteServer",
    "Series",
    "SkippedObject",
    "Study",
    "StudyRead",
    "is_ae_title",
]
