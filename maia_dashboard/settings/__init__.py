"""Django's settings. Values from outside come from `environment`, nowhere else."""

from maia_dashboard.settings.api import *
from maia_dashboard.settings.base import *
from maia_dashboard.settings.browsers import *
from maia_dashboard.settings.databases import *
from maia_dashboard.settings.files import *
from maia_dashboard.settings.mail import *
from maia_dashboard.settings.outside import *
from maia_dashboard.settings.queue import *
from maia_dashboard.settings.rooms import *
from maia_dashboard.settings.sign_in import *
