from django.apps import AppConfig


class ArchivesConfig(AppConfig):
    name = "apps.archives"

    def ready(self) -> None:
        from django.conf import settings

        from apps.archives import converters, lookups  # noqa: F401 - they register themselves
        from apps.archives.static.pool import configure_default_pool

        configure_default_pool(size=settings.READER_PROCESSES, memory_bytes=settings.READER_MEMORY_BYTES)
