from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("projects", "0008_declared_changes")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="trouble_told_at",
            field=models.DateTimeField(help_text="when the last mail went out that it is degraded", null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="is_trouble_told",
            field=models.BooleanField(default=False, help_text="that mail has none yet that all runs again"),
        ),
    ]
