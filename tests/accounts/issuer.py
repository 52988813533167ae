"""A token issuer that says whatever a test wants, as no Keycloak would: discovery, keys and token endpoint by HTTP."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.http import HttpResponse
from django.test import Client
from jwt.algorithms import RSAAlgorithm

KEY = generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = generate_private_key(public_exponent=65537, key_size=2048)
Sign = Callable[[dict[str, Any]], object]


def rs256(key: RSAPrivateKey = KEY, kid: str = "known") -> Sign:
    return lambda claims: jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


def public_pem() -> bytes:
    return KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class Issuer:
    url: str
    sign: Sign = field(default_factory=rs256)
    token_status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)
    answered: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.url}/realms/maia"

    def sign_in(self, client: Client, *, without: tuple[str, ...] = (), **claims: Any) -> HttpResponse:
        """A browser's whole way; the ID token has these claims and, of those it must have, all but `without`."""
        begun = client.post("/account/keycloak/start/")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(begun["Location"]).query).items()}
        now = int(time.time())
        honest = {
            "iss": self.name,
            "aud": "maia",
            "azp": "maia",
            "sub": "ida's subject",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "ida@uni.example",
            "email_verified": True,
            "name": "Ida Berg",
            "groups": ["/MAIA:users"],
        }
        self.answered = {name: value for name, value in {**honest, **claims}.items() if name not in without}
        return client.get("/account/keycloak/callback/", {"state": asked["state"], "code": "a code"})

    def answer(self, path: str) -> tuple[int, object]:
        if path.endswith("/.well-known/openid-configuration"):
            return 200, {"issuer": self.name}
        if path.endswith("/certs"):
            return 200, {
                "keys": [{**RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "known", "use": "sig"}]
            }
        return self.token_status, {"access_token": "an access token", "id_token": self.sign(self.answered)}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = issuer.answer(urlsplit(self.path).path)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            issuer.asked.append({name: values[0] for name, values in parse_qs(body).items()})
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
