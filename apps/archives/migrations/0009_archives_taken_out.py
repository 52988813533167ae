from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("archives", "0008_several_remote_archives"),
    ]

    operations = [
        migrations.AddField(
            model_name="archive",
            name="removed_at",
            field=models.DateTimeField(help_text="taken out of the portal; the row stays for what names it", null=True),
        ),
    ]
