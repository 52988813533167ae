"""Cookies, and what pages may do in a browser."""

from urllib.parse import urlsplit

from maia_dashboard.settings.base import IS_HTTPS
from maia_dashboard.settings.sign_in import AUTH_MODE, KEYCLOAK_URL


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_AGE = 12 * 3600
SESSION_SAVE_EVERY_REQUEST = False
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if IS_HTTPS else 0
CSRF_FAILURE_VIEW = "apps.core.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        # A form that leads to another address is held to this there too: signing in goes on at Keycloak.
        "form-action": ["'self'", *([_origin(KEYCLOAK_URL)] if AUTH_MODE == "keycloak" else [])],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
