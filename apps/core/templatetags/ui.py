"""Words and figures as people read them, and form controls in the portal's look.

Every filter answers "" for a missing value, so that a page shows a gap and never "None".
"""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField, BoundWidget
from django.utils import timezone
from django.utils.safestring import SafeString

register = template.Library()

KINDS: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.HiddenInput, "hidden"),
    (forms.CheckboxInput, "check"),
    (forms.CheckboxSelectMultiple, "choices"),
    (forms.RadioSelect, "choices"),
    (forms.Select, "select"),
)
CLASSES = {"check": "form-check-input", "choices": "form-check-input", "select": "form-select", "text": "form-control"}


@register.filter
def control_kind(field: BoundField) -> str:
    """How a form field is drawn: "hidden", "check", "choices" (one or several of a list), "select" or "text"."""
    return next((kind for widget, kind in KINDS if isinstance(field.field.widget, widget)), "text")


@register.simple_tag
def control(field: BoundField, **attributes: str) -> SafeString:
    """The field's widget with the class of its kind; `attributes` are added (`size="sm"` makes it small)."""
    return field.as_widget(attrs=_attributes(field, attributes))


@register.simple_tag
def choice(option: BoundWidget) -> SafeString:
    """One option of a radio or checkbox list, without its label."""
    option.data["wrap_label"] = False
    option.data["attrs"] = {**option.data["attrs"], "class": CLASSES["choices"]}
    return option.tag()


def _attributes(field: BoundField, attributes: dict[str, str]) -> dict[str, Any]:
    css_class = CLASSES.get(control_kind(field), "")
    size = attributes.pop("size", "")
    names = [css_class, f"{css_class}-{size}" if size else "", "is-invalid" if field.errors else ""]
    own = field.field.widget.attrs.get("class", "")
    return {
        "class": " ".join(name for name in [*names, own] if name),
        **{name.replace("_", "-"): value for name, value in attributes.items()},
    }


@register.filter
def duration(value: timedelta | float | None) -> str:
    """A length of time, given in seconds or as timedelta, in its two largest units: "6 min 12 s", "3 d 4 h"."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 1:
        return "under 1 s"
    parts = []
    for unit_seconds, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(int(seconds), unit_seconds)
        parts.append((count, unit))
    first = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


@register.filter(name="bytes")
def in_bytes(value: float | None) -> str:
    """A size given in bytes, in decimal units: "163 MB", "1.4 GB"."""
    if value is None:
        return ""
    size = float(value)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.1f} {unit}" if unit != "bytes" and size < 9.95 else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB" if size < 9.95 else f"{size:,.0f} TB"


@register.filter
def ago(value: datetime | None) -> str:
    """How long since: "just now", "3 min ago", "2 h ago", "4 days ago"; the day itself after a week."""
    if value is None:
        return ""
    seconds = (timezone.now() - value).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86400:
        return f"{seconds // 3600:.0f} h ago"
    days = int(seconds // 86400)
    if days > 7:
        return day(value)
    return "1 day ago" if days == 1 else f"{days} days ago"


@register.filter
def day(value: date | datetime | None) -> str:
    """A day: "31 March 2027"; of a datetime, the day here."""
    if value is None:
        return ""
    here = timezone.localtime(value) if isinstance(value, datetime) else value
    return f"{here.day} {here:%B %Y}"


@register.filter
def clock(value: datetime | None) -> str:
    """A time of day here: "14:02"."""
    return "" if value is None else f"{timezone.localtime(value):%H:%M}"
