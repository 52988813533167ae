from tests.registrations.conftest import submitted, waiting

__all__ = ["submitted", "waiting"]
