"""A member drags thousands of files into the browser, loses the connection, comes back and goes on."""

import os
import re
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.archives.models import Archive, Instance
from apps.datasets.models import Upload, UploadedFile
from tests.browser.conftest import OpenAs, session_cookie
from tests.browser.looked_at import problems_of
from tests.browser.steps import sign_in_as_administrator, wait_for
from tests.browser.uploading import choose_folder, drop, expect_done, figures_of, sentence, wait_for_files, write_many
from tests.portal import Portal, running_portal

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

IMAGES = "/projects/cardiac-mr/data/"
COUNT = 2000
WAITING = re.compile("^Waiting for the connection")
IN_LAST_UPLOAD = """SELECT count(*) FROM datasets_uploadedfile WHERE outcome IN ('stored', 'present')
    AND upload_id = (SELECT max(id) FROM datasets_upload)"""
LEAST_FREE = "apps.datasets.uploads.admission.LEAST_FREE_BYTES"


@pytest.fixture
def bobs(open_as: OpenAs, archive: Archive, bob: User) -> Page:
    return open_as(bob).new_page()


@pytest.fixture
def troubled(browser: Browser, live_server: LiveServer, archive: Archive, bob: User) -> Iterator[BrowserContext]:
    """Bob's browser, whose console may tell of answers that do not come."""
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([session_cookie(bob, live_server.url)])
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.mark.faults
def test_two_thousand_files_come_in_through_every_break(browser: Browser, tmp_path: Path) -> None:
    folder = write_many(tmp_path / "study", COUNT)
    with running_portal(tmp_path / "var") as portal:
        context = browser.new_context(base_url=portal.url)
        page = context.new_page()
        sign_in_as_administrator(portal, page)
        page.goto("/projects/sample/data/")
        choose_folder(page, folder)
        wait_for_files(page, COUNT // 10)
        _lose_the_network(context, page)
        wait_for_files(page, 3 * COUNT // 10)
        _lose_the_server(portal, page)
        wait_for_files(page, COUNT // 2)
        page.close()
        back = context.new_page()
        back.goto("/projects/sample/data/")
        expect(back.locator("[data-offer]")).to_contain_text(re.compile(rf"\d+ of {COUNT} files are in"))
        choose_folder(back, folder)
        expect(sentence(back)).to_have_text(re.compile("^Done"), timeout=120_000)
        now, *_, before = figures_of(back)
        assert before >= COUNT // 2
        assert sum(figures_of(back)) == COUNT
        assert now < COUNT
        assert portal.rows(IN_LAST_UPLOAD) == [(COUNT,)]
        assert "unchanged" in portal.manage("archive", "verify", "sample")
        context.close()


def _lose_the_network(context: BrowserContext, page: Page) -> None:
    context.set_offline(True)
    expect(sentence(page)).to_have_text(WAITING)
    context.set_offline(False)
    expect(sentence(page)).to_have_text(re.compile("^Uploading"))


def _lose_the_server(portal: Portal, page: Page) -> None:
    """It is killed as a whole, and started again by itself."""
    os.killpg(portal.processes()["web"], signal.SIGKILL)
    expect(sentence(page)).to_have_text(WAITING, timeout=30_000)
    expect(sentence(page)).to_have_text(re.compile("^Uploading"), timeout=60_000)


def test_a_folder_that_is_dropped_is_opened_to_its_ground(bobs: Page, tmp_path: Path) -> None:
    folder = write_many(tmp_path / "study", 130)
    (folder / "deeper" / "still").mkdir(parents=True)
    (folder / "deeper" / "still" / "notes.txt").write_text("not an image")
    bobs.goto(IMAGES)
    drop(bobs, folder)
    expect_done(bobs, "Done: 130 images stored, 1 file not taken.")
    expect(bobs.get_by_role("list", name="Files that were not taken")).to_contain_text("study/deeper/still/notes.txt")
    bobs.get_by_role("link", name="See each file").click()
    bobs.get_by_role("link", name="Not taken 1").click()
    expect(bobs.get_by_role("table", name="Files of the upload").get_by_role("row")).to_have_count(2)
    expect(bobs.get_by_role("main")).to_contain_text("study/deeper/still/notes.txt")


def test_cancelled_stays_cancelled_and_goes_on_when_it_is_chosen_again(bobs: Page, tmp_path: Path) -> None:
    folder = write_many(tmp_path / "study", 1500)
    bobs.goto(IMAGES)
    choose_folder(bobs, folder)
    wait_for_files(bobs, 100)
    bobs.get_by_role("button", name="Pause").click()
    expect(sentence(bobs)).to_have_text(re.compile("^Paused"))
    bobs.get_by_role("button", name="Go on").click()
    bobs.get_by_role("button", name="Cancel").click()
    expect(sentence(bobs)).to_have_text(re.compile(r"^Cancelled: [\d,]+ images stored\. What is stored stays\.$"))
    wait_for(bobs, lambda: Upload.objects.get().ended_at is not None)
    bobs.goto(IMAGES)
    expect(bobs.locator("[data-offer]")).to_have_count(0)
    stored = Instance.objects.count()
    assert 100 <= stored < 1500
    choose_folder(bobs, folder)
    expect(sentence(bobs)).to_have_text(re.compile("^Done"), timeout=60_000)
    assert Instance.objects.count() == 1500


def test_who_is_signed_out_signs_in_in_another_tab(
    troubled: BrowserContext, live_server: LiveServer, bob: User, tmp_path: Path
) -> None:
    page = troubled.new_page()
    page.goto(IMAGES)
    choose_folder(page, write_many(tmp_path / "study", 1500))
    wait_for_files(page, 100)
    troubled.clear_cookies(name="sessionid")
    expect(sentence(page)).to_have_text(re.compile("^You are signed out"), timeout=30_000)
    troubled.clear_cookies()
    troubled.add_cookies([session_cookie(bob, live_server.url)])
    expect_done(page, "Done: 1,500 images stored.")


@pytest.mark.faults
def test_a_full_disk_is_said_and_the_upload_goes_on_when_there_is_space(
    troubled: BrowserContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = troubled.new_page()
    page.goto(IMAGES)
    with monkeypatch.context() as patched:
        patched.setattr(LEAST_FREE, 2**60)
        choose_folder(page, write_many(tmp_path / "study", 120))
        expect(sentence(page)).to_have_text(re.compile("^The disk of this portal is full"))
    page.get_by_role("button", name="Go on").click()
    expect_done(page, "Done: 120 images stored.")


def test_a_large_zip_comes_in_parts(bobs: Page, bells: list[str], tmp_path: Path) -> None:
    folder = write_many(tmp_path / "study", 4)
    packed = tmp_path / "study.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*.dcm")):
            archive.write(path, path.name)
        archive.writestr("noise.bin", os.urandom(70 * 1024**2))
    bobs.goto(IMAGES)
    bobs.locator("[data-files]").set_input_files(packed)
    expect_done(bobs, "Done: 0 images stored, 1 archive unpacked.")
    bobs.get_by_role("link", name="See each file").click()
    expect(bobs.get_by_role("main")).to_contain_text("study.zip: noise.bin")
    assert UploadedFile.objects.filter(outcome="stored").count() == Instance.objects.count() == 4


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_an_upload_is_for_everybody_and_every_screen(
    open_as: OpenAs, archive: Archive, bob: User, tmp_path: Path, theme: str, width: int
) -> None:
    page = open_as(bob, color_scheme=theme, viewport={"width": width, "height": 900}).new_page()
    folder = write_many(tmp_path / "study", 1000)
    (folder / "notes.txt").write_text("not an image")
    page.goto(IMAGES)
    choose_folder(page, folder)
    wait_for_files(page, 50)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    assert problems_of(page) == []
    page.goto(IMAGES)
    expect(page.locator("[data-offer]")).to_be_visible()
    assert problems_of(page) == []
    page.get_by_role("link", name="See each file").first.click()
    expect(page.get_by_role("button", name="The rest is not to come")).to_be_visible()
    assert problems_of(page) == []
    page.goto(IMAGES)
    choose_folder(page, folder)
    expect(sentence(page)).to_have_text(re.compile("^Done"), timeout=60_000)
    assert problems_of(page) == []
