from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def note_sizes(apps, schema_editor):
    """The volumes that are there were made as large as was granted."""
    allocations = apps.get_model("projects", "Allocation").objects.filter(project=OuterRef("project"))
    accesses = apps.get_model("workspaces", "OrthancAccess").objects
    accesses.update(volume_gib=Subquery(allocations.values("granted_storage_gib")[:1]))


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0003_lifecycle"),
        ("workspaces", "0001_workspaces"),
    ]

    operations = [
        migrations.AddField(
            model_name="namespaceseen",
            name="broken_since",
            field=models.DateTimeField(null=True, help_text="since when something of the project does not run"),
        ),
        migrations.AddField(
            model_name="orthancaccess",
            name="volume_gib",
            field=models.PositiveIntegerField(
                null=True, help_text="size of the archive's volume, which may grow and never shrinks; none: as granted"
            ),
        ),
        migrations.RunPython(note_sizes, migrations.RunPython.noop),
    ]
