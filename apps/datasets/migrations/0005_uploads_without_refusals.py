from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("datasets", "0004_refusals_are_files"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="upload",
            name="refusals",
        ),
    ]
