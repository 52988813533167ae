from apps.archives.models import Archive
from apps.projects.models import Project

DEFAULT_NAME = "images"


def ensure_archive(project: Project) -> Archive:
    """The project's default archive, made if there is none. Twice is once."""
    archive, _ = Archive.objects.get_or_create(
        project=project, is_default=True, defaults={"name": DEFAULT_NAME, "kind": Archive.Kind.BUILT_IN}
    )
    return archive
