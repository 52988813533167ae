from celery import shared_task

from apps.core import mail
from apps.core.leases import under_lease
from apps.core.models import Mail


@shared_task(name="core.deliver_mail")
def deliver_mail(mail_pk: int) -> None:
    mail.deliver(Mail.objects.get(pk=mail_pk))


@shared_task(name="core.sweep_mail")
@under_lease("core.sweep_mail")
def sweep_mail() -> None:
    mail.sweep()
