from django.apps import AppConfig


class CeleryWorkerConfig(AppConfig):
    name = "celery_worker"

    def ready(self) -> None:
        from celery_worker import schedule

        schedule.install()
