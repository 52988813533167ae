from django.db import migrations

from apps.audit import guards


def guard(apps, schema_editor):
    guards.put_up()


def release(apps, schema_editor):
    guards.take_down()


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(guard, release)]
