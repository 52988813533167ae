"""The HTTP client of a MONAI Label server."""

import json
import time
from http import HTTPStatus
from typing import Any

import requests

from apps.integrations.kubernetes.route import Route, session_by
from apps.integrations.monailabel.port import LabelModel, ModelServerUnreachable, ServerInfo

CONNECT_SECONDS, SILENCE_SECONDS, ANSWER_SECONDS = 2.0, 5.0, 10.0
MOST_BYTES, CHUNK_BYTES = 1024**2, 16 * 1024
LONGEST_TEXT, MOST_NAMES = 200, 200


class MonaiLabel:
    """The server to whose HTTP root the route leads."""

    def __init__(self, route: Route) -> None:
        self._address = route.address
        self._session = session_by(route)

    def info(self) -> ServerInfo:
        answer = self._get("/info/")
        models = answer.get("models") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(models, dict):
            raise ModelServerUnreachable("What answers is no MONAI Label server.")
        return ServerInfo(
            name=_text(answer.get("name")),
            version=_text(answer.get("version")),
            models=tuple(_model(name, about) for name, about in list(models.items())[:MOST_NAMES]),
            is_training=_is_training(self._get("/train/")),
        )

    def _get(self, path: str) -> Any:
        """None for 404, by which the server says that there is nothing."""
        timeout = (CONNECT_SECONDS, SILENCE_SECONDS)
        try:
            with self._session.get(
                self._address + path, timeout=timeout, stream=True, allow_redirects=False
            ) as response:
                if response.status_code == HTTPStatus.NOT_FOUND:
                    return None
                if response.status_code != HTTPStatus.OK:
                    raise ModelServerUnreachable(f"The server answers with an error ({response.status_code}).")
                return json.loads(_body(response))
        except requests.RequestException as error:
            raise ModelServerUnreachable("The server does not answer.") from error
        except (ValueError, RecursionError) as error:
            raise ModelServerUnreachable("What answers is no MONAI Label server.") from error


def _body(response: requests.Response) -> bytes:
    body, deadline = b"", time.monotonic() + ANSWER_SECONDS
    for chunk in response.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > MOST_BYTES or time.monotonic() > deadline:
            raise ValueError("longer than any answer of such a server")
    return body


def _model(name: str, about: Any) -> LabelModel:
    fields = about if isinstance(about, dict) else {}
    labels, dimension = fields.get("labels"), fields.get("dimension")
    named = list(labels)[:MOST_NAMES] if isinstance(labels, dict | list) else []
    return LabelModel(
        name=_text(name),
        type=_text(fields.get("type")),
        labels=tuple(_text(label) for label in named),
        dimension=dimension if isinstance(dimension, int) else 0,
        description=_text(fields.get("description")),
    )


def _is_training(tasks: Any) -> bool:
    return isinstance(tasks, list) and any(isinstance(one, dict) and one.get("status") == "RUNNING" for one in tasks)


def _text(value: Any) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""
