from django.db import migrations, models

from apps.projects.look_alikes import skeleton_of


def fill(apps, schema_editor):
    """Of older projects that read alike the first gets the skeleton: all others find it taken."""
    taken = set()
    for project in apps.get_model("projects", "Project").objects.order_by("pk").only("namespace"):
        skeleton = skeleton_of(project.namespace)
        if skeleton not in taken:
            taken.add(skeleton)
            type(project).objects.filter(pk=project.pk).update(skeleton=skeleton)


class Migration(migrations.Migration):
    dependencies = [("projects", "0005_invitation_terms")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="skeleton",
            field=models.CharField(
                blank=True,
                default="",
                help_text="of the namespace; empty when an older project has one that reads alike",
                max_length=80,
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.UniqueConstraint(
                condition=models.Q(("skeleton", ""), _negated=True),
                fields=("skeleton",),
                name="projects_project_reads_like_no_other",
            ),
        ),
    ]
