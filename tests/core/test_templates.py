"""Rules that hold for every template: the content security policy forbids inline script and style."""

import re
from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
# A mail is no page: no policy of the portal holds in it, and mail programs read no stylesheet.
PAGES = [path for path in TEMPLATES if path.name != "mail.html"]
STATIC = Path(settings.BASE_DIR) / "static"
ICONS = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_template_holds_no_inline_script_style_or_other_host(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert not re.search(r"""(?:src|href|action)=["']https?:""", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_icon_that_a_template_names_is_in_the_sprite(path: Path) -> None:
    named = re.findall(r'_icon\.html" with (?:[^%]*\s)?name="([^"]+)"|\sicon="([^"]+)"', path.read_text())
    assert {a or b for a, b in named} <= ICONS


def test_every_icon_in_the_sprite_is_in_use() -> None:
    root = Path(settings.BASE_DIR)
    scripts = [*(root / "apps").rglob("*.py"), *(STATIC / "js").glob("*.js")]
    sources = "".join(path.read_text() for path in (*TEMPLATES, *scripts))
    assert not {icon for icon in ICONS if f'"{icon}"' not in sources}


def test_a_fragment_never_extends() -> None:
    assert [path.name for path in TEMPLATES if path.name.startswith("_") and "{% extends" in path.read_text()] == []


def test_every_address_in_a_stylesheet_is_a_file_here() -> None:
    for sheet in STATIC.rglob("*.css"):
        for address in re.findall(r'url\("?([^")]+)"?\)', sheet.read_text()):
            assert address.startswith("data:") or (sheet.parent / address).exists(), (sheet.name, address)
