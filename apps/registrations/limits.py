"""How often a stranger may ask within an hour."""

from apps.accounts.access import network_of
from apps.core.counting import is_within

REQUESTS_A_CLIENT = 30
REQUESTS_A_MAILBOX = 5
LOOKUPS_A_CLIENT = 600


def may_ask(*, client_address: str, email: str) -> bool:
    """Counts a request for a project; False when this client or this mailbox has had its share of the hour."""
    from_client = is_within(REQUESTS_A_CLIENT, "registrations:request", network_of(client_address))
    return from_client and is_within(REQUESTS_A_MAILBOX, "registrations:mailbox", email.lower())


def may_look_up(*, client_address: str) -> bool:
    """Counts a look whether a namespace is free, or a file readable."""
    return is_within(LOOKUPS_A_CLIENT, "registrations:lookup", network_of(client_address))
