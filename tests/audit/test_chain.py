"""The audit: appended, never changed, and sealed so that tampering shows."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import guards, head, origin, services
from apps.audit.models import Entry, Seal
from apps.audit.tasks import seal
from apps.projects.models import Project
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    """The head of the chain lies in a file, which no test finds of another."""
    settings.VAR_DIR = tmp_path


@pytest.fixture(autouse=True)
def _guarded(db: None) -> None:
    """As a migrated database is; the test's transaction takes the guards with it."""
    guards.put_up()


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    monkeypatch.setattr(origin, "address", lambda: "192.0.2.7")
    entries = [services.record("test.done", actor=1, number=number) for number in range(4)]
    services.seal()
    return entries


def sql(statement: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def tamper(statement: str, *parameters: object) -> None:
    """What somebody could do who may change the structure of the database, and hides it."""
    guards.take_down()
    sql(statement, *parameters)
    guards.put_up()


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


@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id + 100", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_itself_refuses(chain: list[Entry], table: str, statement: str) -> None:
    if statement.startswith("TRUNCATE") and connection.vendor == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(statement.format(table))
    assert list(services.verify()) == []


def test_a_row_written_in_a_request_says_from_where(alice: User, client: Client) -> None:
    client.post("/account/login/", {"login": alice.email, "password": PASSWORD}, REMOTE_ADDR="192.0.2.8")
    assert Entry.objects.get(action="account.signed_in").address == "192.0.2.8"
    assert services.record("test.swept", actor=None).address is None


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
    tamper(statement, chain[row].pk)
    assert list(services.verify()) == [f"Row {chain[row].pk}: its content was changed after it was sealed."]


def test_a_removed_row_shows_at_the_next(chain: list[Entry]) -> None:
    tamper("DELETE FROM audit_seal WHERE entry_id = %s", chain[1].pk)
    tamper("DELETE FROM audit_entry WHERE id = %s", chain[1].pk)
    assert [sentence.split(":")[0] for sentence in services.verify()] == [f"Row {chain[2].pk}"]


def test_a_row_changed_together_with_its_seal_shows_at_the_next(chain: list[Entry]) -> None:
    tamper("UPDATE audit_entry SET action = 'test.undone' WHERE id = %s", chain[1].pk)
    row = Entry.objects.get(pk=chain[1].pk)
    tamper(
        "UPDATE audit_seal SET digest = %s WHERE entry_id = %s",
        services._digest(row, Seal.objects.get(entry=row).previous),
        row.pk,
    )
    assert [sentence.split(":")[0] for sentence in services.verify()] == [f"Row {chain[2].pk}"]


def test_the_command_says_whether_the_chain_holds(chain: list[Entry]) -> None:
    assert told("verify") == "The chain holds: 4 rows sealed, 0 new.\n"
    tamper("UPDATE audit_entry SET action = 'test.undone' WHERE id = %s", chain[1].pk)
    errors = io.StringIO()
    with pytest.raises(CommandError, match="broken at 1 place"):
        call_command("audit", "verify", stderr=errors)
    assert f"Row {chain[1].pk}" in errors.getvalue()


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command("audit", *arguments, stdout=out)
    return out.getvalue()


def test_a_head_kept_elsewhere_shows_what_is_missing_on_every_machine(
    chain: list[Entry], settings: Any, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(told("head"))
    newest = Seal.objects.get(entry=chain[-1])
    assert elsewhere.read_text() == f"{newest.pk} {newest.digest}\n"
    settings.VAR_DIR = tmp_path / "other"
    settings.VAR_DIR.mkdir()
    services.record("test.later", actor=None)
    services.seal()
    (settings.VAR_DIR / "audit-head").unlink()
    assert told("verify", "--head", str(elsewhere)) == "The chain holds: 5 rows sealed, 0 new.\n"
    cut_off(chain[2])
    errors = io.StringIO()
    with pytest.raises(CommandError, match="broken at 1 place"):
        call_command("audit", "verify", "--head", str(elsewhere), stderr=errors)
    assert f"the chain had come to seal {newest.pk}, {newest.digest[:12]}" in errors.getvalue()


@pytest.mark.parametrize("content", [None, "", "x y", "1 2 3", "one"])
def test_what_is_no_head_is_said(chain: list[Entry], tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "junk"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandError, match="holds no head"):
        call_command("audit", "verify", "--head", str(file))


def test_there_is_no_head_before_the_first_seal() -> None:
    with pytest.raises(CommandError, match="No row is sealed yet"):
        call_command("audit", "head")


def test_sealing_runs_twice() -> None:
    services.record("test.done", actor=None)
    seal()
    seal()
    assert Seal.objects.count() == 1


def cut_off(first: Entry) -> None:
    """Takes this row and all newer ones away together with their seals."""
    tamper("DELETE FROM audit_seal WHERE entry_id >= %s", first.pk)
    tamper("DELETE FROM audit_entry WHERE id >= %s", first.pk)


def test_newest_rows_removed_with_their_seals_show(chain: list[Entry]) -> None:
    newest = Seal.objects.order_by("-pk").first()
    assert newest is not None
    cut_off(chain[2])
    expected = [f"The newest rows are missing: the chain had come to seal {newest.pk}, {newest.digest[:12]}."]
    assert list(services.verify()) == expected
    services.record("test.later", actor=None)
    assert services.seal() == 1
    assert list(services.verify()) == expected


def test_a_machine_that_has_never_sealed_knows_no_head(chain: list[Entry], settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "other"
    settings.VAR_DIR.mkdir()
    assert list(services.verify()) == []
    assert head.kept() is None
    assert "shows only with --head" in told("verify")


def test_seals_removed_alone_show_after_an_hour(chain: list[Entry]) -> None:
    Entry.objects.bulk_create([Entry(action="test.old", at=timezone.now() - timedelta(hours=2))])
    (sentence,) = services.verify()
    assert "it waits for its seal since" in sentence


def test_guards_that_were_taken_away_show(chain: list[Entry]) -> None:
    guards.take_down()
    assert "The database does not guard the rows: the trigger audit_entry_refuses_update is gone." in services.verify()


@pytest.fixture
def unguarded(transactional_db: None) -> Iterator[None]:
    """The guards are gone; and again afterwards, when the tables are emptied."""
    guards.take_down()
    yield
    guards.take_down()


def test_migrating_puts_back_the_guards_of_a_table_that_was_built_anew(unguarded: None) -> None:
    guards.put_up()
    if connection.vendor == "sqlite":
        with connection.schema_editor() as editor:
            editor._remake_table(Entry)
    else:
        sql("DROP TRIGGER audit_entry_refuses_update ON audit_entry")
    assert "audit_entry_refuses_update" in guards.missing()
    call_command("migrate", verbosity=0)
    assert guards.missing() == []


def test_emptying_the_tables_of_a_test_puts_up_no_guard(unguarded: None) -> None:
    call_command("flush", interactive=False, verbosity=0)
    assert guards.missing()
