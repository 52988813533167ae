"""Values of DICOM attributes as people read them."""

from datetime import date

from django import template

from apps.core.templatetags.ui import day

register = template.Library()


@register.filter
def dicom_date(value: str) -> str:
    """A DA value, "20260102", as "2 January 2026"; as it stands when it is none."""
    try:
        return day(date.fromisoformat(value)) if len(value) == 8 else value
    except ValueError:
        return value


@register.filter
def dicom_time(value: str) -> str:
    """A TM value, "101112.5", as "10:11"; as it stands when it is none."""
    return f"{value[:2]}:{value[2:4]}" if len(value) >= 4 and value[:4].isdigit() else value


@register.filter
def person_name(value: str) -> str:
    """A PN value, "Doe^John^A", as "Doe, John A" (PS3.5 6.2.1.1: family, given, middle, prefix, suffix)."""
    family, *others = (part.strip() for part in value.split("=", maxsplit=1)[0].split("^"))
    return ", ".join(part for part in (family, " ".join(filter(None, others))) if part)


@register.filter
def listed(value: str) -> str:
    """Values separated by backslashes as "CT, SEG"."""
    return ", ".join(filter(None, value.split("\\")))
