from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def move(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Devices that are listed could search and fetch so far, and still can."""
    moved = apps.get_model("archives", "DicomDevice")
    for device in apps.get_model("workspaces", "DicomDevice").objects.order_by("pk"):
        moved.objects.create(
            project_id=device.project_id, ae_title=device.ae_title, address=device.address, may_retrieve=True
        )


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0003_when_it_was_tried"), ("archives", "0005_application_entities")]

    operations = [
        migrations.RunPython(move, migrations.RunPython.noop, elidable=True),
        migrations.DeleteModel(name="DicomDevice"),
    ]
