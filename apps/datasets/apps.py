from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "apps.datasets"

    def ready(self) -> None:
        from apps.datasets.studies import actions, deletions, own_actions

        actions.register(*own_actions.OWN, deletions.DELETE)
