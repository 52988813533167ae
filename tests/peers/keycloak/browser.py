"""A person with a browser: Keycloak's pages by HTTP, the portal's by Django's test client."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import requests
from django.http import HttpResponse
from django.test import Client

from tests.peers.keycloak.realm import Realm

FORM = re.compile(r'<form[^>]*action="([^"]+)"')
TIMEOUT = 30


class Browser:
    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self.portal = Client(headers={"host": urlsplit(realm.portal_url).netloc})
        self.keycloak = requests.Session()

    def sign_in(self, email: str, password: str, next_page: str = "") -> HttpResponse:
        """The portal's answer after the whole way: button, Keycloak's form, back."""
        return self.come_back(self.post_form(self.begin(next_page), email, password))

    def begin(self, next_page: str = "") -> str:
        """Presses the button; Keycloak's address to go to."""
        answer = self.portal.post("/account/keycloak/start/", {"next": next_page})
        assert answer.status_code == 302, answer.content
        return answer["Location"]

    def post_form(self, address: str, email: str, password: str) -> requests.Response:
        """Opens Keycloak's page and fills it in, unless Keycloak knows the person already."""
        page = self._send("GET", address)
        return page if page.status_code == 302 else self.fill_in(page, {"username": email, "password": password})

    def open(self, address: str) -> requests.Response:
        """A page of Keycloak, wherever it leads to there."""
        page = self._send("GET", address)
        while page.status_code == 302 and page.headers["Location"].startswith(self.realm.issuer):
            page = self._send("GET", page.headers["Location"])
        return page

    def fill_in(self, page: requests.Response, fields: dict[str, Any]) -> requests.Response:
        match = FORM.search(page.text)
        assert match, page.text
        return self._send("POST", unescape(match[1]), fields)

    def come_back(self, answer: requests.Response) -> HttpResponse:
        assert answer.status_code == 302, re.sub(r"<[^>]+>|\s+", " ", answer.text)[:800]
        assert answer.headers["Location"].startswith(self.realm.portal_url), answer.headers["Location"]
        return self.portal.get(answer.headers["Location"].removeprefix(self.realm.portal_url))

    def is_signed_in(self) -> bool:
        return bool(self.portal.get("/account/").status_code == 200)

    def is_known_to_keycloak(self) -> bool:
        """Whether Keycloak lets the person through without asking for the password."""
        return self._send("GET", self.begin()).status_code == 302

    def _send(self, method: str, address: str, fields: dict[str, Any] | None = None) -> requests.Response:
        answer = self.keycloak.request(method, address, data=fields, allow_redirects=False, timeout=TIMEOUT)
        # Browsers count loopback as safe and send secure cookies there by http too.
        for cookie in self.keycloak.cookies:
            cookie.secure = False
        return answer
