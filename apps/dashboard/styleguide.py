"""Samples for the style guide: every component of the portal in every state, drawn by the templates themselves."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.core.paginator import Paginator

STATES = (
    ("good", "circle-check", "Ready", ""),
    ("busy", "loader-2", "Being set up", "Step 3 of 5."),
    ("wait", "hourglass", "Waits for approval", ""),
    ("bad", "alert-triangle", "Out of memory", "The run asked for more than 8 GiB."),
    ("off", "ban", "Cancelled", ""),
)
MESSAGES = (
    (constants.SUCCESS, "The key is added."),
    (constants.INFO, "Nothing has changed."),
    (constants.WARNING, "Somebody else was faster."),
    (constants.ERROR, "The file is too large."),
)


class SampleForm(forms.Form):
    """One field of each kind that the portal draws."""

    text = forms.CharField(label="Text", help_text="A sentence that helps.")
    long_text = forms.CharField(label="Several lines", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    day = forms.DateField(label="Day", widget=forms.DateInput(attrs={"type": "date"}))
    one = forms.ChoiceField(label="One of a list", choices=[("", "Choose"), ("a", "First"), ("b", "Second")])
    radio = forms.ChoiceField(label="One of a few", choices=[("a", "First"), ("b", "Second")], widget=forms.RadioSelect)
    several = forms.MultipleChoiceField(
        label="Several of a few",
        required=False,
        choices=[("a", "First"), ("b", "Second")],
        widget=forms.CheckboxSelectMultiple,
    )
    agreed = forms.BooleanField(label="I agree")
    hidden = forms.CharField(widget=forms.HiddenInput, initial="kept")

    def clean(self) -> dict[str, Any]:
        self.add_error(None, "What is wrong with the form as a whole stands here.")
        return self.cleaned_data


@dataclass(frozen=True)
class SampleStep:
    title: str
    kind: str
    sentence: str = ""
    time_text: str = ""


STEPS = (
    SampleStep("Account", "done", time_text="14:02"),
    SampleStep("Archive", "now", "Waits for the volume."),
    SampleStep("Welcome mail", "failed", "The mail server cannot be reached."),
    SampleStep("Ready", "next"),
)


def samples() -> dict[str, Any]:
    """The context of the style guide."""
    return {
        "states": STATES,
        "sample_messages": [Message(level, sentence) for level, sentence in MESSAGES],
        "form": SampleForm(prefix="empty"),
        "wrong_form": SampleForm({"wrong-day": "yesterday"}, prefix="wrong"),
        "steps": STEPS,
        "middle_page": Paginator(range(95), 20).page(3),
        "progress": (0, 40, 100),
        "icons": icons(),
    }


def icons() -> list[str]:
    sprite = Path(settings.BASE_DIR) / "static" / "icons.svg"
    return re.findall(r'<symbol id="([^"]+)"', sprite.read_text())
