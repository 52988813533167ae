"""From `/register/` to the mask over the image, on the real servers: two browsers, SSH, a Job, Orthanc asked itself.

Pictures of each station are kept in build/screenshots/deployed/.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from apps.provisioning import plan
from tests.browser.steps import LINK, approve, is_error, open_request, register, run_algorithm, see_the_mask
from tests.peers import steps
from tests.peers.deployed import CLUSTER, Deployed
from tests.portal import REPOSITORY
from tests.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(1800)]

IDA, ANNA = "ida.berg@uni.example", "anna.approver@hospital.example"
STEPS = [
    title for part in (plan.KEYCLOAK_PEOPLE, plan.KUBERNETES, plan.INVITATION, plan.OPENING) for _name, title in part
]
NAMESPACE = "prostate-bpmri-atlas"
PICTURES = REPOSITORY / "build" / "screenshots" / "deployed"
HEAD_CT = REPOSITORY / "deploy" / "samples" / "images" / "head-ct.zip"


@pytest.fixture
def people(browser: Browser, deployed: Deployed) -> Iterator[tuple[Page, Page]]:
    """Ida's browser and the approver's; errors in either one's console fail the test."""
    errors: list[str] = []
    contexts = [_context(browser, deployed, errors) for _ in range(2)]
    yield contexts[0].new_page(), contexts[1].new_page()
    for context in contexts:
        context.close()
    assert not errors


def _context(chromium: Browser, deployed: Deployed, errors: list[str]) -> BrowserContext:
    context = chromium.new_context(base_url=deployed.nginx.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    # Keycloak's own pages are not ours to mend.
    context.on(
        "console", lambda line: errors.append(line.text) if is_error(line) and _is_ours(line.page, deployed) else None
    )
    return context


def _is_ours(page: Page | None, deployed: Deployed) -> bool:
    return page is not None and page.url.startswith(deployed.nginx.url)


def picture(page: Page, name: str) -> None:
    """Light and dark, wide and on a phone."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.wait_for_timeout(300)  # colours fade over
            page.screenshot(path=PICTURES / f"{name}-{theme}-{width}.png", full_page=True)


def test_from_registration_to_the_mask_over_the_image(
    deployed: Deployed, people: tuple[Page, Page], tmp_path: Path
) -> None:
    ida, anna = people
    deployed.add_administrator(ANNA, steps.PASSWORD)
    ida.goto("/register/")
    picture(ida, "registration")
    register(ida, IDA, NAMESPACE)
    picture(ida, "registered")
    ida.goto(deployed.link_to(IDA, LINK))
    picture(ida, "proof of the address")
    ida.get_by_role("button", name="Confirm my e-mail address").click()
    steps.sign_in_at_keycloak(anna, ANNA)
    picture(anna, "home of the administrator")
    open_request(anna, NAMESPACE)
    picture(anna, "approval")
    approve(anna, NAMESPACE, GPUs="1")
    picture(anna, "being set up")
    look_at_the_cluster(anna)
    expect_a_project(ida)
    steps.accept_invitation(ida, deployed.link_at_keycloak(IDA, steps.INVITATION), look=picture)
    steps.sign_in_at_keycloak(ida, IDA, look=picture)
    key = steps.make_key(tmp_path)
    steps.add_key(ida, key)
    picture(ida, "account with a key")
    expect_ssh(ida, key)
    expect_jupyter(ida)
    upload_head_ct(ida)
    run_algorithm(ida, has_scripts=True)
    expect(ida.get_by_role("main")).to_contain_text("1 GPU")
    picture(ida, "run")
    see_the_mask(ida, has_scripts=True)
    picture(ida, "mask over the image")
    assert modalities_in_orthanc(deployed) == ["CT", "SEG"]
    assert deployed.portal.manage("audit", "verify").startswith("The chain holds")


def look_at_the_cluster(page: Page) -> None:
    page.goto("/clusters/")
    page.get_by_role("main").get_by_role("link", name=CLUSTER).first.click()
    expect(page.get_by_role("main")).to_contain_text("node-a")
    expect(page.get_by_role("main")).to_contain_text("A100")
    picture(page, "cluster")


def expect_a_project(page: Page) -> None:
    """Every step is done, followed on the private page of the request."""
    page.reload()
    expect(page.get_by_role("link", name="Open the project")).to_be_visible(timeout=300_000)
    done = page.locator("ol.ledger li.done")
    expect(done).to_contain_text(STEPS)
    expect(page.locator("ol.ledger li")).to_have_count(len(STEPS))
    picture(page, "set up")


def expect_ssh(page: Page, key: Path) -> None:
    """The command that the page shows lets the key in, and no other."""
    page.goto(f"/projects/{NAMESPACE}/")
    expect(page.get_by_role("region", name="Desktops")).to_contain_text("Running", timeout=180_000)
    orthanc = page.get_by_role("region", name="Apps").get_by_role("row").filter(has_text="orthanc")
    expect(orthanc).to_contain_text("Running", timeout=60_000)
    command = page.get_by_role("region", name="Desktops").locator("code").first.inner_text()
    wait_until(lambda: steps.by_ssh(command, key, "true").returncode == 0, 180)
    assert steps.by_ssh(command, key, "whoami").stdout.strip() == "maia"
    other = key.parent / "other"
    other.mkdir()
    assert "Permission denied" in steps.by_ssh(command, steps.make_key(other), "true").stderr
    page.reload()
    picture(page, "project")


def expect_jupyter(page: Page) -> None:
    """One's own workspace opens in the browser, on its own host."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Jupyter").click()
    jupyter = opened.value
    expect(jupyter).to_have_title(re.compile("JupyterLab"), timeout=60_000)
    picture(jupyter, "jupyter")
    jupyter.close()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Desktop", exact=True).click()
    desktop = opened.value
    expect(desktop.locator("canvas")).to_be_visible(timeout=60_000)
    picture(desktop, "desktop")
    desktop.close()


def upload_head_ct(page: Page) -> None:
    page.goto(f"/projects/{NAMESPACE}/")
    page.get_by_role("link", name="Upload images").first.click()
    page.locator("[data-files]").set_input_files(HEAD_CT)
    page.get_by_role("link", name="See the images").click(timeout=120_000)
    page.locator("tbody").get_by_role("link").first.click()
    page.locator("a.thumb").first.click()
    expect(page.get_by_role("slider", name=re.compile("Slices of"))).to_be_visible()
    picture(page, "series")


def modalities_in_orthanc(deployed: Deployed) -> list[str]:
    """What the project's Orthanc itself has, asked with the portal's password."""
    address, access = steps.orthanc_of(deployed.servers.kubernetes, NAMESPACE)
    series = requests.get(f"{address}/series?expand", auth=access, timeout=10).json()
    return sorted(one["MainDicomTags"]["Modality"] for one in series)
