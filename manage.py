#!/usr/bin/env python3
"""The portal's command line. `manage.py up` starts everything."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maia_dashboard.settings")
    if sys.argv[1:2] == ["up"]:
        from maia_dashboard import first_start

        first_start.prepare()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
