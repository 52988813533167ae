"""A portal with something on every page, and the list of its pages: for screenshots and for the accessibility check."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.shown_page import Shown
from tests.browser.shown_states import pages_of_states
from tests.browser.steps import (
    INVITATION_LINK,
    LINK,
    confirm_address,
    register,
    run_algorithm,
    sign_in_as_administrator,
)
from tests.portal import Portal

ASKER = "ida.berg@uni.example"
INVITED = "kim.ek@uni.example"
MEMBERS = "/projects/sample/members/"
SETTINGS = "/projects/sample/settings/"
ARCHIVES = "/projects/sample/archives/"
HEAD_CT = "SELECT series_instance_uid FROM archives_series ORDER BY instance_count DESC LIMIT 1"
STUDY_OF_HEAD_CT = (
    "SELECT t.study_instance_uid FROM archives_study t JOIN archives_series s ON s.study_id = t.id "
    "ORDER BY s.instance_count DESC LIMIT 1"
)
IMAGE_OF = (
    "SELECT i.sop_instance_uid FROM archives_instance i JOIN archives_series s ON s.id = i.series_id "
    "WHERE s.series_instance_uid = ? LIMIT 1"
)
SEGMENTATION = "SELECT series_instance_uid FROM archives_series WHERE modality = 'SEG'"
REPORT = "SELECT series_instance_uid FROM archives_series WHERE modality = 'SR'"


PAGES_OF_LIFE = [
    Shown("settings", SETTINGS),
    Shown("project-change", f"{SETTINGS}changes/1/"),
    Shown("projects", "/projects/"),
    Shown("extensions", "/extensions/"),
    Shown("extension", "/extensions/1/"),
]


def fill(portal: Portal, browser: Browser) -> tuple[dict[str, str], list[Shown]]:
    """Acts on a portal with the sample project; returns the administrator's storage state and the pages."""
    visitor = browser.new_context(base_url=portal.url)
    register(visitor.new_page(), ASKER, "prostate-bpmri-atlas")
    private = portal.link_to(ASKER, LINK).removeprefix(portal.url)
    confirm_address(portal, visitor.new_page(), ASKER)
    register(visitor.new_page(), f"second.{ASKER}", "knee-mr")
    unproved = portal.link_to(f"second.{ASKER}", LINK).removeprefix(portal.url)
    admin = browser.new_context(base_url=portal.url)
    page = admin.new_page()
    sign_in_as_administrator(portal, page)
    series = portal.rows(HEAD_CT)[0][0]
    for algorithm in ("Threshold segmentation", "Measurements"):
        _run(page, series, algorithm)
    _add_cluster(page)
    _add_archive(page)
    _invite(page)
    _ask_more_time(page)
    invitation = portal.link_to(INVITED, INVITATION_LINK).removeprefix(portal.url)
    state = admin.storage_state()
    _close(visitor, admin)
    pages = [*_pages(portal, series, private, unproved), *_pages_of_members(invitation), *PAGES_OF_LIFE]
    pages += pages_of_states(portal)
    return state, pages  # type: ignore[return-value]


def _run(page: Page, series: str, algorithm: str) -> None:
    page.goto(f"/projects/sample/data/series/{series}/")
    run_algorithm(page, has_scripts=True, algorithm=algorithm)


def _add_cluster(page: Page) -> None:
    """One that answers nowhere."""
    page.goto("/clusters/new/")
    page.get_by_label("Name", exact=True).fill("nowhere")
    page.get_by_label("Address of the API server").fill("https://127.0.0.1:1")
    page.get_by_label("Token of a service account").fill("made-up-token")
    page.get_by_role("button", name="Add the cluster").click()
    expect(page.get_by_text("Unreachable since")).to_be_visible(timeout=90_000)


def _add_archive(page: Page) -> None:
    """One at an address to which the portal does not go."""
    page.goto(f"{ARCHIVES}add/")
    page.get_by_label("Name", exact=True).fill("pacs")
    page.get_by_label("Address").fill("https://127.0.0.1:1/dicom-web")
    page.get_by_role("button", name="Add the archive").click()
    expect(page.get_by_text("The archive is added.")).to_be_visible()


def _invite(page: Page) -> None:
    """Somebody, and somebody who declines."""
    page.goto(f"{MEMBERS}invite-many/")
    page.get_by_label("People, one a line").fill(f"{INVITED},member,Kim Ek\nsecond.{INVITED},viewer\nnobody")
    page.get_by_role("button", name="Look through the list").click()
    page.get_by_role("button", name="Invite 2 people").click()
    expect(page.get_by_text("2 people are invited.")).to_be_visible()


def _ask_more_time(page: Page) -> None:
    page.goto(SETTINGS)
    page.get_by_text("Ask for more time").click()
    page.get_by_label("New last day").fill(str((datetime.now(UTC) + timedelta(days=500)).date()))
    page.get_by_label("Why").fill("Two more scanners take part.")
    page.get_by_role("button", name="Ask the approvers").click()
    expect(page.get_by_role("button", name="Withdraw the request")).to_be_visible()
    page.get_by_text("Grant other values").click()
    page.get_by_label("CPU cores").fill("3")
    page.get_by_role("button", name="Grant", exact=True).click()
    expect(page.get_by_text("CPU cores: 3, was 2")).to_be_visible()


def _pages_of_members(invitation: str) -> list[Shown]:
    return [
        Shown("members", MEMBERS),
        Shown("members-none", f"{MEMBERS}?q=nobody"),
        Shown("invitations", f"{MEMBERS}invitations/"),
        Shown("invite-many", f"{MEMBERS}invite-many/"),
        Shown("leave", f"{MEMBERS}leave/"),
        Shown("invitation", invitation, is_public=True),
        Shown("invitation-of-another", invitation),
    ]


def _close(*contexts: BrowserContext) -> None:
    for context in contexts:
        context.close()


def _pages(portal: Portal, series: str, private: str, unproved: str) -> list[Shown]:
    project, data = "/projects/sample/", "/projects/sample/data/"
    study, mask, report = (portal.rows(query)[0][0] for query in (STUDY_OF_HEAD_CT, SEGMENTATION, REPORT))
    image = portal.rows(IMAGE_OF, series)[0][0]
    return [
        Shown("welcome", "/", is_public=True),
        Shown("sign-in", "/account/login/", is_public=True),
        Shown("forgot-password", "/account/password/reset/", is_public=True),
        Shown("register", "/register/", is_public=True),
        Shown("register-join", "/register/join/", is_public=True),
        Shown("terms", "/terms/", is_public=True),
        Shown("sent", "/register/sent/", is_public=True),
        Shown("request-unproved", unproved, is_public=True),
        Shown("request", private, is_public=True),
        Shown("not-found", "/nothing/", is_public=True),
        Shown("home", "/"),
        Shown("account", "/account/"),
        Shown("change-password", "/account/password/change/"),
        Shown("sessions", "/account/sessions/"),
        Shown("second-factor", "/account/second-factor/"),
        Shown("people", "/people/"),
        Shown("person", "/people/1/"),
        Shown("outbox", "/outbox/"),
        Shown("audit", "/audit/"),
        Shown("audit-of-project", "/projects/sample/audit/"),
        Shown("search", "/search/?q=a+e"),
        Shown("styleguide", "/styleguide/"),
        Shown("approvals", "/approvals/"),
        Shown("approvals-all", "/approvals/?status="),
        Shown("approval", "/approvals/1/"),
        Shown("algorithms", "/algorithms/"),
        Shown("clusters", "/clusters/"),
        Shown("cluster", "/clusters/nowhere/"),
        Shown("cluster-edit", "/clusters/nowhere/edit/"),
        Shown("cluster-new", "/clusters/new/"),
        Shown("project", project),
        Shown("dicom", f"{project}dicom/"),
        Shown("archives", ARCHIVES),
        Shown("archive-add", f"{ARCHIVES}add/"),
        Shown("archive-change", f"{ARCHIVES}pacs/"),
        Shown("archive-take-out", f"{ARCHIVES}pacs/take-out/"),
        Shown("upload", f"{data}uploads/1/"),
        Shown("studies-of-archive", f"{data}?archive=pacs"),
        Shown("studies", data),
        Shown("studies-none", f"{data}?q=nobody"),
        Shown("study", f"{data}studies/{study}/"),
        Shown("series", f"{data}series/{series}/?frame=14"),
        Shown("mask", f"{data}series/{mask}/"),
        Shown("report", f"{data}series/{report}/"),
        Shown("attributes", f"{data}series/{series}/tags/{image}/"),
        Shown("runs", f"{project}runs/"),
        Shown("run-new", f"{project}runs/new/?series={series}"),
        Shown("run", f"{project}runs/1/"),
        Shown("runs-of-series", f"{project}runs/of/{series}/"),
    ]
