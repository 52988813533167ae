from django.db import migrations, models

import apps.core.sealed

REMOTE_NAME = "by which the server has it; empty in the built-in store"


class Migration(migrations.Migration):
    dependencies = [
        ("archives", "0007_exports"),
        # Renaming a model renames its content type, backwards too.
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RenameModel(old_name="OrthancServer", new_name="RemoteServer"),
        migrations.RemoveIndex(model_name="instance", name="archives_instance_orthanc"),
        migrations.RenameField(model_name="instance", old_name="orthanc_id", new_name="remote_name"),
        migrations.RemoveConstraint(model_name="skippedobject", name="archives_skipped_once"),
        migrations.RenameField(model_name="skippedobject", old_name="orthanc_id", new_name="remote_name"),
        migrations.AlterField(
            model_name="instance",
            name="remote_name",
            field=models.CharField(blank=True, help_text=REMOTE_NAME, max_length=224),
        ),
        migrations.AlterField(model_name="skippedobject", name="remote_name", field=models.CharField(max_length=224)),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=~models.Q(remote_name=""), fields=["archive", "remote_name"], name="archives_instance_remote"
            ),
        ),
        migrations.AddConstraint(
            model_name="skippedobject",
            constraint=models.UniqueConstraint(fields=("archive", "remote_name"), name="archives_skipped_once"),
        ),
        migrations.AlterField(
            model_name="archive",
            name="kind",
            field=models.CharField(
                choices=[("built-in", "Built-in store"), ("orthanc", "Orthanc"), ("dicomweb", "DICOMweb server")],
                default="built-in",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="archive",
            constraint=models.CheckConstraint(
                condition=models.Q(kind__in=["built-in", "orthanc", "dicomweb"]), name="archives_archive_kind"
            ),
        ),
        migrations.AddField(
            model_name="study",
            name="seen_at",
            field=models.DateTimeField(help_text="by a pass over the archive's server", null=True),
        ),
        migrations.AlterField(
            model_name="remoteserver",
            name="address",
            field=models.URLField(help_text="HTTP root, or that of the DICOMweb service", max_length=500),
        ),
        migrations.AlterField(
            model_name="remoteserver",
            name="username",
            field=models.CharField(
                blank=True, help_text="empty: the password is a token, or there is none", max_length=100
            ),
        ),
        migrations.AlterField(
            model_name="remoteserver", name="password", field=apps.core.sealed.SealedTextField(blank=True)
        ),
        migrations.AddField(
            model_name="remoteserver",
            name="is_entered",
            field=models.BooleanField(default=False, help_text="by a person: where it leads is checked each time"),
        ),
        migrations.AddField(
            model_name="remoteserver",
            name="capabilities",
            field=models.JSONField(
                default=dict, help_text="what it was found to do, by name; what is unknown is not in"
            ),
        ),
        migrations.AddField(model_name="remoteserver", name="probed_at", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="remoteserver",
            name="pass_started_at",
            field=models.DateTimeField(help_text="the pass over a server without change log", null=True),
        ),
        migrations.AddField(
            model_name="remoteserver",
            name="pass_offset",
            field=models.PositiveIntegerField(default=0, help_text="studies that the pass has behind it"),
        ),
    ]
