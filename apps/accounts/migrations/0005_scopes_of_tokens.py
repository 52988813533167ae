from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ALL = ["read", "write", "images:read", "images:store"]


def keep_what_tokens_may(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Tokens from before there were scopes could do everything that their person may."""
    apps.get_model("accounts", "ApiToken").objects.update(scopes=ALL)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_position"),
    ]

    operations = [
        migrations.AddField(model_name="apitoken", name="scopes", field=models.JSONField(default=list)),
        migrations.RunPython(keep_what_tokens_may, migrations.RunPython.noop),
    ]
