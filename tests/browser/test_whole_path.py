"""From `/register/` to the mask over the image, in two browsers, on a portal as a stranger starts it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.steps import (
    approve,
    confirm_address,
    expect_finished_steps,
    is_error,
    look_at_the_images,
    register,
    run_algorithm,
    see_the_mask,
    set_password,
    sign_in_as_administrator,
    upload,
)
from tests.dicom import WrittenSeries, ct_series
from tests.portal import Portal, running_portal

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

IDA = "ida.berg@uni.example"
NAMESPACE = "prostate-bpmri-atlas"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with running_portal(tmp_path_factory.mktemp("portal") / "var", SAMPLE_PROJECT="false") as started:
        yield started


@pytest.fixture
def ct(tmp_path: Path, has_scripts: bool) -> WrittenSeries:
    return ct_series(tmp_path / "ct", slices=6, rows=64, columns=64, seed=f"path {has_scripts}")


@pytest.fixture
def contexts(browser: Browser, portal: Portal, has_scripts: bool) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """The requester's browser and the administrator's; errors in either one's console fail the test."""
    errors: list[str] = []
    made = []
    for _ in range(2):
        context = browser.new_context(java_script_enabled=has_scripts, base_url=portal.url)
        context.set_default_timeout(10_000)
        context.on("console", lambda line: errors.append(line.text) if is_error(line) else None)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        made.append(context)
    yield made[0], made[1]
    for context in made:
        context.close()
    assert not errors


def test_from_registration_to_the_mask_over_the_image(
    portal: Portal, contexts: tuple[BrowserContext, BrowserContext], ct: WrittenSeries, has_scripts: bool
) -> None:
    email, namespace = (IDA, NAMESPACE) if has_scripts else (f"plain.{IDA}", f"{NAMESPACE}-plain")
    ida, admin = contexts[0].new_page(), contexts[1].new_page()
    sign_in_as_administrator(portal, admin)
    register(ida, email, namespace)
    confirm_address(portal, ida, email)
    approve(admin, namespace)
    expect_finished_steps(ida, has_scripts)
    set_password(portal, ida, email)
    upload(ida, namespace, ct, has_scripts)
    look_at_the_images(ida, ct, has_scripts)
    run_algorithm(ida, has_scripts)
    see_the_mask(ida, has_scripts)
    assert portal.manage("archive", "verify", namespace)
    assert portal.manage("audit", "verify").startswith("The chain holds")
