"""The terms of data use: the text that people accept, and the version that is kept with their acceptance.

Whoever changes a sentence below gives it a new VERSION; what was accepted before stays accepted under the old one.
"""

from django import forms
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString

VERSION = "2026-11"
TERMS: tuple[tuple[str, str], ...] = (
    (
        "Purpose",
        "You use images and everything made from them for the purpose that the project states, and for nothing else.",
    ),
    (
        "Lawful basis",
        "You bring in images only with an ethics approval or another lawful basis, and you keep to its conditions.",
    ),
    (
        "Patients",
        "You bring in images without names, addresses and personal numbers, unless the project's approval says "
        "otherwise. You never try to find out who a patient is.",
    ),
    (
        "Where images stay",
        "Images stay on the platform. You take them out only with the right to export that an owner of the project "
        "gave you; each time is recorded.",
    ),
    (
        "Your account",
        "Your account, keys and tokens are yours alone. When you suspect that somebody else has one, you end it "
        "and tell the administrators at once.",
    ),
    (
        "What is recorded",
        "The platform records who did what and when, so that every access to an image can be accounted for.",
    ),
    (
        "The end",
        "When a project ends its images are deleted or archived as its owner decides; what the law asks you to keep, "
        "you keep elsewhere in time.",
    ),
)


def acceptance() -> forms.BooleanField:
    """The box to tick in a form; whoever takes the form writes VERSION down, with the time."""
    return forms.BooleanField(
        label=lazy(_label, str)(),
        error_messages={"required": "Nothing is sent unless you accept the terms of data use."},
    )


def _label() -> SafeString:
    page = reverse("registrations:terms")
    return format_html('I accept the <a href="{}">terms of data use</a>, version {}', page, VERSION)
