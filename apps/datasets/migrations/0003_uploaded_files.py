import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("datasets", "0002_connection_tests"),
    ]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="ended_at",
            field=models.DateTimeField(help_text="when the person said that the rest is not to come", null=True),
        ),
        migrations.CreateModel(
            name="UploadedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "fingerprint",
                    models.CharField(help_text="tells it from the other files of its upload", max_length=64),
                ),
                ("name", models.TextField(help_text="with its folders, for showing alone")),
                ("size_bytes", models.PositiveBigIntegerField()),
                (
                    "received_bytes",
                    models.PositiveBigIntegerField(default=0, help_text="of a file that comes in parts"),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("waiting", "Not sent"),
                            ("arrived", "Being checked"),
                            ("stored", "Stored"),
                            ("present", "Already there"),
                            ("unpacked", "Unpacked"),
                            ("refused", "Not taken"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("sentence", models.TextField(blank=True, help_text="why it was not taken")),
                (
                    "upload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="datasets.upload"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["upload", "outcome"], name="datasets_up_upload__e6e528_idx")],
                "constraints": [
                    models.UniqueConstraint(fields=("upload", "fingerprint"), name="datasets_uploaded_file_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("outcome__in", ["waiting", "arrived", "stored", "present", "unpacked", "refused"])
                        ),
                        name="datasets_uploaded_file_outcome",
                    ),
                ],
            },
        ),
    ]
