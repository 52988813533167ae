"""A mail's text as HTML: the same words, so that nobody writes a mail twice."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

SIGNATURE = "-- "  # RFC 3676 4.3


@dataclass(frozen=True)
class Paragraph:
    """Lines of words and links, or one address of the portal that stands alone: a button."""

    lines: list[SafeString]
    address: str = ""


def html_of(subject: str, text: str) -> str:
    """A whole HTML document with nothing remote in it. Only the portal's own addresses become links."""
    body, _, signature = text.partition(f"\n{SIGNATURE}\n")
    paragraphs = [_paragraph(part.strip()) for part in re.split(r"\n\s*\n", body) if part.strip()]
    context = {"subject": subject, "paragraphs": paragraphs, "signature": signature.strip()}
    return render_to_string("core/mail.html", context)


def _paragraph(text: str) -> Paragraph:
    if re.fullmatch(_own_address(), text):
        return Paragraph([], address=text)
    return Paragraph([_with_links(line) for line in text.splitlines()])


def _with_links(line: str) -> SafeString:
    parts = re.split(f"({_own_address()})", line)
    drawn = (format_html('<a href="{0}">{0}</a>', part) if place % 2 else part for place, part in enumerate(parts))
    return format_html_join("", "{}", ((part,) for part in drawn))


def _own_address() -> str:
    """The portal's address, or one below it; never the beginning of another host's, nor a sentence's full stop."""
    below = r"/(?:[^\s<>\"']*[^\s<>\"'.,;:!?)])?"
    return rf"{re.escape(settings.PUBLIC_URL)}(?:{below}|(?![^\s.,;:!?)]))"
