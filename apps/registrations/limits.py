"""How often a stranger may ask. The counters lie in the cache: they are a brake, not a lock."""

import time
from hashlib import sha256

from django.core.cache import cache

from apps.accounts.access import network_of

HOUR = 3600
REQUESTS_A_CLIENT = 30
REQUESTS_A_MAILBOX = 5
LOOKUPS_A_CLIENT = 600


def may_ask(*, client_address: str, email: str) -> bool:
    """Counts a request for a project; False when this client or this mailbox has had its share of the hour."""
    from_client = _count("request", network_of(client_address), REQUESTS_A_CLIENT)
    return from_client and _count("mailbox", email.lower(), REQUESTS_A_MAILBOX)


def may_look_up(*, client_address: str) -> bool:
    """Counts a look whether a namespace is free, or a file readable."""
    return _count("lookup", network_of(client_address), LOOKUPS_A_CLIENT)


def _count(what: str, whose: str, limit: int) -> bool:
    hour = int(time.time() // HOUR)
    key = f"registrations:{what}:{hour}:{sha256(whose.encode()).hexdigest()}"
    return _next(key) <= limit


def _next(key: str) -> int:
    """One more; in a cache that counts by itself (Redis) no two at once get the same."""
    cache.add(key, 0, HOUR)
    try:
        count = cache.incr(key)
    except ValueError:  # thrown out in between
        return 1
    cache.touch(key, HOUR)  # a cache of files forgets how long to keep what it counts
    return count
