"""The mails of a request. Only those to who decides and later ones hold what the requester wrote: the first goes to an
address that nobody has proved, and must carry no stranger's words."""

from collections.abc import Iterable

from apps.accounts.models import User
from apps.accounts.selectors import approvers
from apps.core import mail
from apps.projects.models import ExtensionRequest
from apps.projects.owners import people_of
from apps.registrations import links
from apps.registrations.models import Registration


def ask_to_confirm(registration: Registration) -> None:
    _to_requester(registration, "Confirm your e-mail address", "confirm")


def tell_received(registration: Registration) -> None:
    _to_requester(registration, f"Your request: {registration.title}", "received")


def ask_for_changes(registration: Registration, message: str) -> None:
    _to_requester(registration, f"Please change your request: {registration.title}", "changes", message)


def tell_approved(registration: Registration) -> None:
    _to_requester(registration, f"Your request was approved: {registration.title}", "approved")


def tell_rejected(registration: Registration, reason: str) -> None:
    _to_requester(registration, f"Your request was rejected: {registration.title}", "rejected", reason)


def tell_withdrawn(registration: Registration) -> None:
    _to_requester(registration, f"Your request is withdrawn: {registration.title}", "withdrawn")


def tell_expired(registration: Registration) -> None:
    _to_requester(registration, f"Your request has expired: {registration.title}", "expired")


def tell_deleted(registration: Registration) -> None:
    """For a project that was deleted before it was set up: it may have nobody else to be told."""
    _to_requester(registration, f"The project is deleted: {registration.title}", "deleted")


def tell_approvers(registration: Registration) -> None:
    """One mail to everybody who may decide on this request for a new project."""
    _to_deciders(registration, approvers(), "waits")


def tell_owners(registration: Registration) -> None:
    """One mail to every owner of the project that the requester asks to join, or to the approvers for want of one.

    None for a project that there is not: it waits in the approvers' list.
    """
    if registration.joins is None:
        return
    _to_deciders(registration, people_of(registration.joins) or approvers(), "joins")


def send_digest(approver: User, waiting: list[Registration], extensions: list[ExtensionRequest], *, count: int) -> None:
    """One mail of the `count` requests that wait; it names those that are given."""
    mail.post(
        to=approver.email,
        subject=f"{count} request{'s wait' if count > 1 else ' waits'} for approval",
        template="registrations/mail/digest.txt",
        context={
            "approver": approver,
            "waiting": waiting,
            "extensions": extensions,
            "more": count - len(waiting) - len(extensions),
        },
    )


def _to_deciders(registration: Registration, people: Iterable[User], template: str) -> None:
    for person in people:
        if not registration.is_asked_by(person):
            mail.post(
                to=person.email,
                subject=f"A request waits for approval: {registration.title}",
                template=f"registrations/mail/{template}.txt",
                context={"registration": registration, "approver": person},
            )


def _to_requester(registration: Registration, subject: str, template: str, said: str = "") -> None:
    mail.post(
        to=registration.email,
        subject=subject,
        template=f"registrations/mail/{template}.txt",
        context={"registration": registration, "said": said, "private_path": links.path_of(registration)},
    )
