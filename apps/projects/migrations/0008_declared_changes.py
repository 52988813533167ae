from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("projects", "0007_closed_invitations")]

    operations = [
        migrations.AddConstraint(
            model_name="projectchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "action__in",
                        [
                            "suspend",
                            "resume",
                            "archive",
                            "restore",
                            "schedule_deletion",
                            "undo_deletion",
                            "delete",
                            "grant",
                            "extend",
                        ],
                    )
                ),
                name="projects_project_change_action",
            ),
        ),
    ]
