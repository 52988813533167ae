"""What a browser lets OHIF do: nothing reaches another host, and only the scripts of the release run."""

import base64
import hashlib
import re
from collections.abc import Iterable

HEADER = "Content-Security-Policy"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def policy(inline_scripts: Iterable[str] = ()) -> str:
    """The header's value (CSP 3), of a page with inline scripts of these hashes or of a worker."""
    directives = {
        "default-src": "'none'",
        # Decoders are WebAssembly; they and what lays segmentations over images put functions together from text.
        "script-src": " ".join(("'self'", "'unsafe-eval'", *inline_scripts)),
        "worker-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self' blob:",
        "manifest-src": "'self'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def hashes_of_inline_scripts(html: str) -> list[str]:
    """As sources of the directive script-src, in the order of the document."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(html))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
