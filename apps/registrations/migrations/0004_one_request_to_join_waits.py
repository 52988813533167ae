from django.db import migrations, models
from django.utils import timezone

WHY = "You have asked to join this project already: that request waits for a decision."


def withdraw_others(apps, schema_editor):
    """Of requests of one address to join one project the first waits on, as it is the one that others are refused by."""
    waiting = apps.get_model("registrations", "Registration").objects.filter(kind="join", status="email_verified")
    events, now, asked = apps.get_model("core", "StateEvent"), timezone.now(), set()
    for row in waiting.order_by("pk").only("namespace", "email"):
        if (row.namespace, row.email) not in asked:
            asked.add((row.namespace, row.email))
            continue
        waiting.filter(pk=row.pk).update(status="withdrawn", status_changed_at=now)
        events.objects.create(
            subject_type="registrations.registration",
            subject_pk=row.pk,
            from_status="email_verified",
            to_status="withdrawn",
            why=WHY,
            at=now,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
        ("registrations", "0003_what_is_reserved_by_its_look"),
    ]

    operations = [
        migrations.RunPython(withdraw_others, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="registration",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "join"), ("status", "email_verified")),
                fields=("namespace", "email"),
                name="registrations_registration_one_waits_to_join",
            ),
        ),
    ]
