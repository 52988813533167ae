"""The web server of a single machine. Threads, since a page waits for nothing and images stream."""

import gc
import os
from importlib import import_module

from django.conf import settings

from maia_dashboard.gunicorn_log import NamelessRequests

bind = f"{settings.ENV['BIND']}:{settings.ENV['PORT']}"
workers = settings.ENV["WEB_PROCESSES"]
threads = settings.ENV["WEB_THREADS"]
worker_class = "gthread"
# A process says with each request that it lives: a disk takes its time for that, and has other things to do.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else str(settings.VAR_DIR / "tmp")  # noqa: S108
timeout = 120
graceful_timeout = 10
keepalive = 15
accesslog = None  # the portal writes its own, without paths
loglevel = "warning"
logger_class = NamelessRequests
forwarded_allow_ips = ""  # whose word is believed about scheme and client, Django's settings say
forwarder_headers = ""  # no header of a client says where the portal is or which page is meant
control_socket_disable = True


def post_worker_init(worker: object) -> None:
    """What the portal is made of stays: to look through it for garbage had cost a request 80 ms now and then."""
    import_module(settings.ROOT_URLCONF)
    gc.collect()
    gc.freeze()
