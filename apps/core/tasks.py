from celery import shared_task
from django.conf import settings

from apps.core import mail
from apps.core.leases import lease
from apps.core.models import Mail


@shared_task(name="core.deliver_mail")
def deliver_mail(mail_pk: int) -> None:
    mail.deliver(Mail.objects.get(pk=mail_pk))


@shared_task(name="core.sweep_mail")
def sweep_mail() -> None:
    with lease("core.sweep_mail", seconds=settings.CLAIM_SECONDS) as had:
        if had:
            mail.sweep()
