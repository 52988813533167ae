"""A cluster's API for somebody who may be overtaken: each write asks first whether it may still be made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from apps.integrations.kubernetes.port import KubernetesApi

WRITES = {"apply", "create", "delete"}


def fenced(api: KubernetesApi, check: Callable[[], None]) -> KubernetesApi:
    """The same API; `check` raises what a write is to end in."""
    return cast(KubernetesApi, _Fenced(api, check))


class _Fenced:
    def __init__(self, api: KubernetesApi, check: Callable[[], None]) -> None:
        self._api = api
        self._check = check

    def __getattr__(self, verb: str) -> Any:
        if verb in WRITES:
            self._check()
        return getattr(self._api, verb)
