from typing import Any

import environ

from maia_dashboard.settings.base import ENV, VAR_DIR

# SQLite takes the write lock when a transaction starts (IMMEDIATE), so that two writers queue instead of failing;
# hence no ATOMIC_REQUESTS, which would make every GET a writer.
SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": VAR_DIR / "db.sqlite3",
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;",
    },
    "TEST": {"NAME": VAR_DIR / "test.sqlite3"},
}
DATABASES = {"default": environ.Env.db_url_config(ENV["DATABASE_URL"]) if ENV["DATABASE_URL"] else SQLITE}
DATABASES["default"]["CONN_MAX_AGE"] = 600

CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": ENV["REDIS_URL"]}
    if ENV["REDIS_URL"]
    else {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": VAR_DIR / "cache"}
}
