"""What axe finds on a page, and whether the page is wider than its screen."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect


def problems_of(page: Page) -> list[str]:
    """Once the fragments have come; one sentence for each problem."""
    expect(page.locator("[hx-trigger=load]")).to_have_count(0)
    violations = [
        f"{violation['id']}: {node['html'][:150]}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
    ]
    excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*violations, *([f"{excess} px wider than the screen"] if excess > 0 else [])]
