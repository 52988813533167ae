import environ

from maia_dashboard.settings.base import ENV, VAR_DIR

OUTBOX_DIR = None if ENV["EMAIL_URL"] else VAR_DIR / "outbox"
DEFAULT_FROM_EMAIL = ENV["MAIL_FROM"]
if ENV["EMAIL_URL"]:
    vars().update(environ.Env.email_url_config(ENV["EMAIL_URL"]))
    EMAIL_BACKEND = "apps.core.smtp.BoundedBackend"
    EMAIL_TIMEOUT = 20
else:
    EMAIL_BACKEND = "apps.core.outbox.OutboxBackend"
