#!/usr/bin/env python3
"""The portal's command line. `manage.py up` starts everything."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maia_dashboard.settings")
    if sys.argv[1:2] == ["up"]:
        from maia_dashboard import first_start

        first_start.prepare()
    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        raise SystemExit("Stopped before it was done.") from None
    except ModuleNotFoundError as error:
        if error.name != "django":
            raise
        raise SystemExit("This Python has no Django: use `.venv/bin/python`, which `make run` makes.") from None


if __name__ == "__main__":
    main()
