from django.db import migrations, models

from apps.projects.look_alikes import skeleton_of


def fill(apps, schema_editor):
    """Of requests that read alike the first holds the name; whoever approves another finds it taken."""
    taken = set()
    rows = apps.get_model("registrations", "Registration").objects.filter(is_namespace_reserved=True)
    for row in rows.order_by("pk").only("namespace"):
        skeleton = skeleton_of(row.namespace)
        if skeleton not in taken:
            taken.add(skeleton)
            rows.filter(pk=row.pk).update(reserved_skeleton=skeleton)


class Migration(migrations.Migration):
    dependencies = [("registrations", "0002_joining_and_the_whole_form")]

    operations = [
        migrations.AddField(
            model_name="registration",
            name="reserved_skeleton",
            field=models.CharField(
                blank=True,
                default="",
                help_text="of the namespace, while nobody else may get it or one that reads alike",
                max_length=80,
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="registration", name="registrations_registration_namespace"),
        migrations.RemoveConstraint(model_name="registration", name="registrations_registration_kind"),
        migrations.RemoveField(model_name="registration", name="is_namespace_reserved"),
        migrations.AddConstraint(
            model_name="registration",
            constraint=models.UniqueConstraint(
                condition=models.Q(("reserved_skeleton", ""), _negated=True),
                fields=("reserved_skeleton",),
                name="registrations_registration_namespace",
            ),
        ),
        migrations.AddConstraint(
            model_name="registration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("joins", None), ("kind", "new_project"), ("starts_on__isnull", False), ("wanted_role", "")
                    ),
                    models.Q(
                        ("kind", "join"),
                        ("reserved_skeleton", ""),
                        ("starts_on", None),
                        ("wanted_role__in", ["viewer", "member"]),
                    ),
                    _connector="OR",
                ),
                name="registrations_registration_kind",
            ),
        ),
    ]
