from itertools import groupby
from typing import Any
from uuid import uuid4

from django.db import migrations

CHUNK = 1000


def to_files(apps: Any, schema_editor: object) -> None:
    UploadedFile = apps.get_model("datasets", "UploadedFile")
    for upload in apps.get_model("datasets", "Upload").objects.exclude(refusals=[]).iterator(chunk_size=CHUNK):
        UploadedFile.objects.bulk_create(
            UploadedFile(upload=upload, fingerprint=uuid4().hex, size_bytes=0, outcome="refused", **refusal)
            for refusal in upload.refusals
        )


def to_refusals(apps: Any, schema_editor: object) -> None:
    refused = apps.get_model("datasets", "UploadedFile").objects.filter(outcome="refused").order_by("upload", "pk")
    rows = refused.values_list("upload", "name", "sentence").iterator(chunk_size=CHUNK)
    for pk, lines in groupby(rows, key=lambda row: row[0]):
        refusals = [{"name": name, "sentence": sentence} for _, name, sentence in lines]
        apps.get_model("datasets", "Upload").objects.filter(pk=pk).update(refusals=refusals[:CHUNK])


class Migration(migrations.Migration):
    dependencies = [("datasets", "0003_uploaded_files")]
    operations = [migrations.RunPython(to_files, to_refusals)]
