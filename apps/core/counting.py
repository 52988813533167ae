"""How often something was done within the hour. The counters lie in the cache: they are a brake, not a lock."""

import time
from hashlib import sha256

from django.core.cache import cache

HOUR = 3600


def is_within(limit: int, what: str, whose: str) -> bool:
    """Counts one more of `what` for `whose`; False when that is more than `limit` in this hour."""
    hour = int(time.time() // HOUR)
    return one_more(f"{what}:{hour}:{sha256(whose.encode()).hexdigest()}") <= limit


def one_more(key: str) -> int:
    """How many there are with this one; in a cache that counts by itself (Redis) no two at once get the same."""
    cache.add(key, 0, HOUR)
    try:
        count = cache.incr(key)
    except ValueError:  # thrown out in between
        return 1
    cache.touch(key, HOUR)  # a cache of files forgets how long to keep what it counts
    return count
