from pydicom.dataset import Dataset

from apps.integrations.dimse.port import Answer

COMMENT_CHARACTERS = 64


def status_of(answer: Answer) -> Dataset:
    """As pynetdicom takes it; the comment in the characters that every peer knows."""
    status = Dataset()
    status.Status = answer.status
    if answer.comment:
        status.ErrorComment = answer.comment.encode("ascii", "replace").decode()[:COMMENT_CHARACTERS]
    return status
