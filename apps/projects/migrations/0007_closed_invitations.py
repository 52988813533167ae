from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0006_namespaces_that_read_alike"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="invitation",
            name="projects_invitation_status",
        ),
        migrations.AddField(
            model_name="invitation",
            name="mails_that_day",
            field=models.PositiveSmallIntegerField(default=1, help_text="how many were sent on the day of `sent_at`"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["waiting", "accepted", "declined", "revoked", "closed"])),
                name="projects_invitation_status",
            ),
        ),
    ]
