"""One headless Chromium for all browser tests, and pages that fail when their console tells of an error."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Playwright keeps an event loop in the test's thread; the tests themselves read and write the database there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
OpenAs = Callable[..., BrowserContext]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if executable is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        # Root, as in a container, cannot have Chromium's own sandbox; only our pages are opened.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield started
        started.close()


@pytest.fixture
def open_as(browser: Browser, live_server: LiveServer) -> Iterator[OpenAs]:
    """Makes a browser in which a person is signed in, or nobody; `options` are those of Playwright's new_context.

    The test fails in the end when a page's console tells of an error: a script that broke, a policy that was violated.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def make(user: User | None, **options: Any) -> BrowserContext:
        context = browser.new_context(base_url=live_server.url, **options)
        if user:
            context.add_cookies([session_cookie(user, live_server.url)])
        context.set_default_timeout(15_000)
        context.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture(params=[True, False], ids=["javascript", "no javascript"])
def has_scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def visitor(browser: Browser, live_server: LiveServer, settings: LazySettings, has_scripts: bool) -> Iterator[Page]:
    """Somebody who is not signed in; the links in mails lead here."""
    settings.PUBLIC_URL = live_server.url
    context = browser.new_context(base_url=live_server.url, java_script_enabled=has_scripts)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def session_cookie(user: User, url: str) -> Any:
    """With which a browser is signed in as this person."""
    client = Client()
    client.force_login(user)
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}
