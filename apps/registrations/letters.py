"""The mails of a request. Only the approvers' and later ones hold what the requester wrote: the first goes to an
address that nobody has proved, and must carry no stranger's words."""

from apps.accounts.models import User
from apps.core import mail
from apps.registrations import links
from apps.registrations.models import Registration


def ask_to_confirm(registration: Registration) -> None:
    _to_requester(registration, "Confirm your e-mail address", "confirm")


def ask_for_changes(registration: Registration, message: str) -> None:
    _to_requester(registration, f"Please change your request for {registration.project_name}", "changes", message)


def tell_rejected(registration: Registration, reason: str) -> None:
    _to_requester(registration, f"Your request for {registration.project_name} was rejected", "rejected", reason)


def tell_approvers(registration: Registration) -> None:
    """One mail to everybody who may decide on this request."""
    roles = (User.PlatformRole.APPROVER, User.PlatformRole.ADMINISTRATOR)
    for approver in User.objects.filter(platform_role__in=roles, is_active=True).order_by("pk"):
        if not registration.is_asked_by(approver):
            mail.post(
                to=approver.email,
                subject=f"A request waits for approval: {registration.project_name}",
                template="registrations/mail/waits.txt",
                context={"registration": registration, "approver": approver},
            )


def _to_requester(registration: Registration, subject: str, template: str, said: str = "") -> None:
    mail.post(
        to=registration.email,
        subject=subject,
        template=f"registrations/mail/{template}.txt",
        context={"registration": registration, "said": said, "private_path": links.path_of(registration)},
    )
