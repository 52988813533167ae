"""A page that is looked at, and what is done on it before."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

Act = Callable[[Page], None]


@dataclass(frozen=True)
class Shown:
    """`act` is done each time that the page is shown."""

    name: str
    path: str
    is_public: bool = False
    act: Act | None = None

    def open_in(self, page: Page) -> None:
        page.goto(self.path)
        if self.act:
            self.act(page)
