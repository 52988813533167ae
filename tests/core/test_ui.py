"""Words, figures, form controls and the components that every page is made of."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template.loader import render_to_string
from django.utils import timezone

from apps.core.templatetags import ui


class Visit(forms.Form):
    name = forms.CharField(help_text="As it stands on your badge.")
    role = forms.ChoiceField(choices=[("owner", "Owner"), ("member", "Member")], widget=forms.RadioSelect)
    kind = forms.ChoiceField(choices=[("a", "Research")], required=False)
    agree = forms.BooleanField()
    secret = forms.CharField(widget=forms.HiddenInput)


def field(name: str, form: forms.Form | None = None) -> str:
    return render_to_string("core/_field.html", {"field": (form or Visit())[name]})


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.4, "under 1 s"),
        (7, "7 s"),
        (372, "6 min 12 s"),
        (360, "6 min"),
        (3 * 3600 + 59, "3 h"),
        (timedelta(days=3, hours=4, minutes=5), "3 d 4 h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float | timedelta | None, words: str) -> None:
    assert ui.duration(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, ""),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_400, "1.4 kB"),
        (163_000_000, "163 MB"),
        (999_700_000, "1.0 GB"),
        (5_250_000_000_000, "5.2 TB"),
        (12_000_000_000_000_000, "12,000 TB"),
    ],
)
def test_a_size_is_told_in_decimal_units(size: float | None, words: str) -> None:
    assert ui.in_bytes(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "just now"), (200, "3 min ago"), (7300, "2 h ago"), (90000, "1 day ago"), (4 * 86400 + 60, "4 days ago")],
)
def test_a_moment_is_told_by_how_long_ago_it_was(seconds: int, words: str) -> None:
    assert ui.ago(timezone.now() - timedelta(seconds=seconds)) == words


def test_a_moment_more_than_a_week_ago_is_told_by_its_day() -> None:
    assert ui.ago(datetime(2020, 3, 31, 12, tzinfo=UTC)) == "31 March 2020"


def test_days_and_times_are_those_here() -> None:
    late = datetime(2027, 3, 31, 23, 30, tzinfo=UTC)
    with timezone.override("Europe/Stockholm"):
        assert ui.day(late) == "1 April 2027"
        assert ui.clock(late) == "01:30"
    assert ui.day(date(2027, 3, 1)) == "1 March 2027"
    assert (ui.day(None), ui.clock(None), ui.ago(None)) == ("", "", "")


def test_a_field_names_its_hint_and_its_error() -> None:
    html = field("name", Visit(data={}))
    control = re.search(r"<input[^>]*>", html)
    assert control is not None
    assert 'aria-describedby="id_name_helptext id_name_error"' in control[0]
    assert 'aria-invalid="true"' in control[0]
    assert 'class="form-control is-invalid"' in control[0]
    assert 'id="id_name_helptext"' in html
    assert re.search(r'id="id_name_error">.*This field is required\.', html, re.DOTALL)


def test_a_list_of_choices_is_a_fieldset_with_one_label_each() -> None:
    html = field("role", Visit(data={}))
    assert html.count('class="form-check-input"') == 2
    assert len(re.findall(r'<label class="form-check" for="id_role_[01]"', html)) == 2
    assert re.search(r'<fieldset[^>]*aria-describedby="id_role_error"', html)
    assert html.count("<label") == html.count("</label>") == 2


def test_each_kind_of_control_has_its_class_and_what_may_be_left_out_says_so() -> None:
    assert 'class="form-select"' in field("kind")
    assert "optional" in field("kind")
    assert "optional" not in field("name")
    assert 'class="form-check-input"' in field("agree")
    assert re.fullmatch(r'<input type="hidden"[^>]*>', field("secret").strip())


def test_a_control_takes_a_size_and_further_attributes() -> None:
    html = ui.control(Visit()["name"], size="sm", aria_label="Name on the badge")
    assert 'class="form-control form-control-sm"' in html
    assert 'aria-label="Name on the badge"' in html


def test_what_a_component_shows_is_escaped() -> None:
    html = render_to_string("core/_command.html", {"text": "<b>", "label": '"x'})
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert 'aria-label="Copy &quot;x"' in html


def test_pages_of_a_list_keep_its_filter() -> None:
    page = Paginator(range(95), 20).page(2)
    html = render_to_string("core/_pagination.html", {"page": page, "querystring": "q=a"})
    assert 'href="?q=a&amp;page=1"' in html
    assert 'href="?q=a&amp;page=3"' in html
    assert "21–40 of 95" in html
    assert not render_to_string("core/_pagination.html", {"page": Paginator(range(3), 20).page(1)}).strip()


@pytest.mark.parametrize(
    ("kind", "word"), [("done", "Done:"), ("now", "Now:"), ("failed", "Failed:"), ("next", "Next:")]
)
def test_a_ledger_reads_without_colour(kind: str, word: str) -> None:
    html = render_to_string("core/_ledger.html", {"steps": [{"title": "Account", "kind": kind}]})
    assert word in html
    assert "Account" in html


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500", "503"])
def test_an_error_page_needs_no_context_and_names_the_request(name: str) -> None:
    assert "request id" not in render_to_string(f"{name}.html")
    html = render_to_string(f"{name}.html", {"request_id": "01JD8Z0K6M"})
    assert "<code>01JD8Z0K6M</code>" in html
    assert "<h1>" in html
