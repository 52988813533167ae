"""Several studies are chosen in the table: by boxes, by that of the page, all that match; with scripts and without."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.archives.models import Archive, Patient, Study
from tests.browser.conftest import OpenAs

pytestmark = pytest.mark.browser

IMAGES = "/projects/cardiac-mr/data/"


@pytest.fixture
def studies(archive: Archive) -> None:
    for number in range(1, 5):
        patient = Patient.objects.create(archive=archive, patient_id=f"P{number}", patient_name=f"Doe^Jane{number}")
        Study.objects.create(
            archive=archive,
            patient=patient,
            study_instance_uid=f"1.2.{number}",
            modalities="CT" if number < 3 else "MR",
        )


@pytest.fixture
def alices(open_as: OpenAs, studies: None, alice: User, has_scripts: bool) -> Page:
    page = open_as(alice, java_script_enabled=has_scripts).new_page()
    page.goto(IMAGES)
    return page


def listed(page: Page, press: Callable[[], None]) -> list[str]:
    """The last parts of the UIDs in the file that comes."""
    with page.expect_download() as download:
        press()
    lines = download.value.path().read_text().splitlines()[1:]
    return sorted(line.rpartition(".")[2] for line in lines)


def press_list(page: Page) -> Callable[[], None]:
    return page.get_by_role("button", name="List as CSV").click


def test_the_boxes_choose(alices: Page) -> None:
    for name in ("Doe, Jane1", "Doe, Jane3"):
        alices.get_by_role("checkbox", name=name).check()
    assert listed(alices, press_list(alices)) == ["1", "3"]


def test_all_that_match_are_chosen_without_their_boxes(alices: Page) -> None:
    alices.get_by_label("Modality").select_option("MR")
    alices.get_by_role("button", name="Show").click()
    alices.get_by_label("All 2 that match").check()
    assert listed(alices, press_list(alices)) == ["3", "4"]


def test_nothing_chosen_is_said(alices: Page) -> None:
    press_list(alices)()
    expect(alices.get_by_role("main")).to_contain_text("Choose studies first")


def test_the_box_of_the_page_and_the_count(open_as: OpenAs, studies: None, alice: User) -> None:
    page = open_as(alice).new_page()
    page.goto(IMAGES)
    whole = page.get_by_label("All on this page")
    whole.check()
    expect(page.get_by_label("The chosen ones (4)")).to_be_checked()
    page.get_by_role("checkbox", name="Doe, Jane2").uncheck()
    assert whole.evaluate("box => box.indeterminate")
    expect(page.get_by_label("The chosen ones (3)")).to_be_checked()
    assert listed(page, press_list(page)) == ["1", "3", "4"]
