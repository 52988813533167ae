from django.db import migrations

TABLES = ("audit_entry", "audit_seal")
SQLITE_GUARD = """
    CREATE TRIGGER {table}_refuses_{verb} BEFORE {verb} ON {table}
    BEGIN SELECT RAISE(ABORT, 'audit rows are never changed or deleted'); END
"""
POSTGRESQL_FUNCTION = """
    CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'audit rows are never changed or deleted'; END $$
"""
POSTGRESQL_GUARD = """
    CREATE TRIGGER {table}_refuses_{verb} BEFORE {verb} ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
"""


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_FUNCTION)
        template, verbs = POSTGRESQL_GUARD, ("update", "delete", "truncate")
    else:
        template, verbs = SQLITE_GUARD, ("update", "delete")
    for table in TABLES:
        for verb in verbs:
            schema_editor.execute(template.format(table=table, verb=verb))


def release(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION audit_refuse() CASCADE")
        return
    for table in TABLES:
        for verb in ("update", "delete"):
            schema_editor.execute(f"DROP TRIGGER {table}_refuses_{verb}")


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(guard, release)]
