"""The worker is killed by SIGKILL right after the effect of each ledger step: exactly one of everything."""

import pytest

from apps.core.models import Step
from apps.provisioning import plan, services
from tests.killing import end_claims, is_killed_after
from tests.provisioning.test_provision import approved_project, assert_one_of_everything

NAMES = [name for name, _ in plan.steps_of_new_project()]

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("name", NAMES)
def test_a_worker_killed_after_a_step(name: str) -> None:
    project = approved_project()
    assert is_killed_after(project, name)
    services.sweep()
    project.refresh_from_db()
    assert Step.objects.filter(status=Step.Status.RUNNING).count() == 1  # the claim of the dead worker still holds
    end_claims()
    services.sweep()
    assert_one_of_everything(project)
