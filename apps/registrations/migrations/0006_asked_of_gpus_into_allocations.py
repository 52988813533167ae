from django.db import migrations


def fill(apps, schema_editor):
    """What a project's request says of the kind of GPU, and when it was made, which the approval had put over."""
    allocations = apps.get_model("projects", "Allocation").objects
    requests = apps.get_model("registrations", "Registration").objects.exclude(project=None)
    for project, gpu_type, created_at in requests.values_list("project", "gpu_type", "created_at"):
        allocations.filter(project=project).update(gpu_type=gpu_type, requested_at=created_at)


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0011_kind_of_gpu"),
        ("registrations", "0005_ended_with_their_projects"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
