"""The web server of a single machine. Threads, since a page waits for nothing and images stream."""

from django.conf import settings

bind = f"{settings.ENV['BIND']}:{settings.ENV['PORT']}"
workers = settings.ENV["WEB_PROCESSES"]
threads = settings.ENV["WEB_THREADS"]
worker_class = "gthread"
worker_tmp_dir = str(settings.VAR_DIR / "tmp")
timeout = 120
graceful_timeout = 10
keepalive = 15
accesslog = None  # the portal writes its own, without paths
loglevel = "warning"
control_socket_disable = True
