from celery import shared_task

from apps.core.leases import under_lease
from apps.registrations import digest, services
from apps.registrations.models import Registration


@shared_task(name="registrations.settle")
def settle(project_pk: int) -> None:
    services.settle(Registration.objects.select_related("project").get(project=project_pk))


@shared_task(name="registrations.settle_join")
def settle_join(change_pk: int) -> None:
    rows = Registration.objects.select_related("membership_change")
    services.settle(rows.get(membership_change=change_pk))


@shared_task(name="registrations.tell_deciders")
def tell_deciders(registration_pk: int) -> None:
    services.tell_deciders(Registration.objects.select_related("joins").get(pk=registration_pk))


@shared_task(name="registrations.sweep")
@under_lease("registrations.sweep")
def sweep() -> None:
    services.sweep()


@shared_task(name="registrations.digest")
def send_digests() -> None:
    digest.send_due()
