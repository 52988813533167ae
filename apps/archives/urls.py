from django.urls import include, path

from apps.archives import views
from apps.archives.dicomweb.query import Level

STUDY = "studies/<uid:study_instance_uid>"
SERIES = f"{STUDY}/series/<uid:series_instance_uid>"
INSTANCE = f"{SERIES}/instances/<uid:sop_instance_uid>"
THUMBNAIL = {"is_thumbnail": True}

dicomweb = [
    path("", views.wado_uri, name="wado_uri"),
    path("studies", views.studies, name="studies"),
    path("series", views.find, {"level": Level.SERIES}, name="all_series"),
    path("instances", views.find, {"level": Level.INSTANCE}, name="all_instances"),
    path(STUDY, views.study, name="study"),
    path(f"{STUDY}/metadata", views.metadata, name="study_metadata"),
    path(f"{STUDY}/rendered", views.rendered, name="study_rendered"),
    path(f"{STUDY}/thumbnail", views.rendered, THUMBNAIL, name="study_thumbnail"),
    path(f"{STUDY}/series", views.find, {"level": Level.SERIES}, name="study_series"),
    path(f"{STUDY}/instances", views.find, {"level": Level.INSTANCE}, name="study_instances"),
    path(SERIES, views.retrieve, name="series"),
    path(f"{SERIES}/metadata", views.metadata, name="series_metadata"),
    path(f"{SERIES}/rendered", views.rendered, name="series_rendered"),
    path(f"{SERIES}/thumbnail", views.rendered, THUMBNAIL, name="series_thumbnail"),
    path(f"{SERIES}/instances", views.find, {"level": Level.INSTANCE}, name="series_instances"),
    path(INSTANCE, views.retrieve, name="instance"),
    path(f"{INSTANCE}/metadata", views.metadata, name="instance_metadata"),
    path(f"{INSTANCE}/rendered", views.rendered, name="instance_rendered"),
    path(f"{INSTANCE}/thumbnail", views.rendered, THUMBNAIL, name="instance_thumbnail"),
    path(f"{INSTANCE}/frames/<frames:numbers>", views.frames, name="frames"),
    path(f"{INSTANCE}/frames/<int:frame>/rendered", views.rendered, name="frame_rendered"),
    path(f"{INSTANCE}/frames/<int:frame>/thumbnail", views.rendered, THUMBNAIL, name="frame_thumbnail"),
    path(f"{INSTANCE}/bulkdata/<bulk_path:path>", views.bulk_data, name="bulk_data"),
]

app_name = "archives"
urlpatterns = [
    path("projects/<slug:namespace>/dicomweb/", include(dicomweb)),
    path("projects/<slug:namespace>/archives/<slug:archive_name>/dicomweb/", include(dicomweb)),
]
