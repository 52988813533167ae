from celery import shared_task

from apps.core import mail


@shared_task(name="core.sweep_mail")
def sweep_mail() -> None:
    mail.sweep()
