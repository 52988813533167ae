from django.db import migrations

import apps.core.sealed


class Migration(migrations.Migration):
    dependencies = [
        ("archives", "0002_orthanc"),
    ]

    operations = [
        migrations.AddField(
            model_name="orthancserver",
            name="gateway",
            field=apps.core.sealed.SealedTextField(
                blank=True, default="", help_text="what passes requests on to it, in JSON; empty: nothing does"
            ),
            preserve_default=False,
        ),
    ]
