from celery import shared_task

from apps.core import mail


@shared_task(name="core.sweep_mail")
def sweep_mail() -> None:
    mail.sweep()


@shared_task(name="core.forget_mail")
def forget_mail() -> None:
    mail.forget_old()
