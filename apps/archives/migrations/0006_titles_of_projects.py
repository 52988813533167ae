from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from apps.archives.ae_titles import proposals


def call(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """A title for each project that there is."""
    entities = apps.get_model("archives", "ApplicationEntity")
    taken: set[str] = set()
    for project in apps.get_model("projects", "Project").objects.exclude(status="deleted").order_by("pk"):
        title = next(one for one in proposals(project.namespace) if one not in taken)
        taken.add(title)
        entities.objects.create(project=project, ae_title=title)


class Migration(migrations.Migration):
    dependencies = [("archives", "0005_application_entities")]

    operations = [migrations.RunPython(call, migrations.RunPython.noop, elidable=True)]
