"""The audit: appended, never changed, and sealed so that tampering shows."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from apps.accounts.models import User
from apps.audit import services
from apps.audit.models import Entry, Seal
from apps.audit.tasks import seal
from apps.projects.models import Project

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain() -> list[Entry]:
    entries = [services.record("test.done", actor=1, address="192.0.2.7", number=number) for number in range(4)]
    services.seal()
    return entries


def sql(statement: str, *parameters: object) -> None:
    """What somebody with the database's password could do."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def test_a_row_says_who_did_what_on_what(alice: User, project: Project) -> None:
    entry = services.record("test.done", actor=alice.pk, subject=project, project=project.pk, gpus=2)
    row = Entry.objects.get(pk=entry.pk)
    assert (row.actor_pk, row.project_pk, row.subject_type, row.subject_pk) == (
        alice.pk,
        project.pk,
        "projects.project",
        project.pk,
    )
    assert row.detail == {"gpus": 2}


def test_rows_are_neither_changed_nor_deleted(chain: list[Entry]) -> None:
    entry = chain[0]
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        Entry.objects.update(action="other")
    with pytest.raises(TypeError):
        Entry.objects.all().delete()
    with pytest.raises(TypeError):
        entry.delete()


def test_a_row_goes_with_the_transaction_that_it_tells_of() -> None:
    with transaction.atomic():
        services.record("test.done", actor=None)
        transaction.set_rollback(True)
    assert not Entry.objects.exists()


def test_the_chain_holds_and_grows(chain: list[Entry]) -> None:
    assert list(services.verify()) == []
    services.record("test.later", actor=None)
    assert services.seal() == 1
    assert services.seal() == 0
    assert list(services.verify()) == []
    assert Seal.objects.count() == 5


def test_a_row_that_a_slow_transaction_brings_late_breaks_nothing(chain: list[Entry]) -> None:
    late = Entry(pk=chain[-1].pk + 1, action="test.slow", at=chain[-1].at)
    Entry.objects.bulk_create([Entry(pk=chain[-1].pk + 2, action="test.quick")])
    services.seal()
    Entry.objects.bulk_create([late])
    assert services.seal() == 1
    assert list(services.verify()) == []


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE audit_entry SET action = 'test.undone' WHERE id = %s", 1),
        ("UPDATE audit_entry SET actor_pk = 99 WHERE id = %s", 2),
        ("UPDATE audit_entry SET detail = '{\"number\": 7}' WHERE id = %s", 0),
        ("UPDATE audit_entry SET at = '2020-01-01 00:00:00' WHERE id = %s", 3),
        ("UPDATE audit_entry SET address = NULL WHERE id = %s", 1),
    ],
)
def test_a_changed_row_shows(chain: list[Entry], statement: str, row: int) -> None:
    sql(statement, chain[row].pk)
    assert list(services.verify()) == [f"Row {chain[row].pk}: its content was changed after it was sealed."]


def test_a_removed_row_shows_at_the_next(chain: list[Entry]) -> None:
    sql("DELETE FROM audit_seal WHERE entry_id = %s", chain[1].pk)
    sql("DELETE FROM audit_entry WHERE id = %s", chain[1].pk)
    assert [sentence.split(":")[0] for sentence in services.verify()] == [f"Row {chain[2].pk}"]


def test_a_row_changed_together_with_its_seal_shows_at_the_next(chain: list[Entry]) -> None:
    sql("UPDATE audit_entry SET action = 'test.undone' WHERE id = %s", chain[1].pk)
    row = Entry.objects.get(pk=chain[1].pk)
    sql(
        "UPDATE audit_seal SET digest = %s WHERE entry_id = %s",
        services._digest(row, Seal.objects.get(entry=row).previous),
        row.pk,
    )
    assert [sentence.split(":")[0] for sentence in services.verify()] == [f"Row {chain[2].pk}"]


def test_the_command_says_whether_the_chain_holds(chain: list[Entry]) -> None:
    out = io.StringIO()
    call_command("audit", "verify", stdout=out)
    assert out.getvalue() == "The chain holds: 4 rows sealed, 0 new.\n"
    sql("UPDATE audit_entry SET action = 'test.undone' WHERE id = %s", chain[1].pk)
    errors = io.StringIO()
    with pytest.raises(CommandError, match="broken at 1 place"):
        call_command("audit", "verify", stderr=errors)
    assert f"Row {chain[1].pk}" in errors.getvalue()


def test_sealing_runs_twice() -> None:
    services.record("test.done", actor=None)
    seal()
    seal()
    assert Seal.objects.count() == 1
