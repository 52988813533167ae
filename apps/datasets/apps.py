from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "apps.datasets"

    def ready(self) -> None:
        from apps.datasets import deletions, own_actions, study_actions

        study_actions.register(*own_actions.OWN, deletions.DELETE)
