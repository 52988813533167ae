from django.urls import include, path

from apps.datasets.archives import views as archive_views
from apps.datasets.dicom import views as dicom_views
from apps.datasets.exports import views as export_views
from apps.datasets.series import views as series_views
from apps.datasets.studies import deletions
from apps.datasets.studies import views as study_views
from apps.datasets.uploads import part_views, sending_views
from apps.datasets.uploads import views as upload_views

app_name = "datasets"
pages = [
    path("", study_views.studies, name="studies"),
    path("selected/", study_views.act, name="act"),
    path("selected/delete/", deletions.delete_studies, name="delete_studies"),
    path("upload/", sending_views.upload, name="upload"),
    path("uploads/", upload_views.uploads, name="uploads"),
    path("uploads/token/", sending_views.upload_token, name="upload_token"),
    path("uploads/announce/", sending_views.announce, name="announce"),
    path("uploads/files/<int:pk>/", part_views.uploaded_file, name="uploaded_file"),
    path("uploads/files/<int:pk>/part/", part_views.part, name="part"),
    path("exports/", export_views.index, name="exports"),
    path("exports/ask/", export_views.ask, name="ask_export"),
    path("exports/<int:pk>/cancel/", export_views.cancel, name="cancel_export"),
    path("uploads/<int:pk>/", upload_views.upload_result, name="upload_result"),
    path("uploads/<int:pk>/not-taken.csv", upload_views.not_taken, name="not_taken"),
    path("uploads/<int:pk>/end/", sending_views.end_upload, name="end_upload"),
    path("studies/<uid:study_instance_uid>/", study_views.study, name="study"),
    path("series/<uid:series_instance_uid>/", series_views.series, name="series"),
    path(
        "series/<uid:series_instance_uid>/overlay/<uid:sop_instance_uid>.png",
        series_views.overlay,
        name="overlay",
    ),
    path("series/<uid:series_instance_uid>/tags/<uid:sop_instance_uid>/", series_views.attributes, name="attributes"),
]
dicom = [
    path("", dicom_views.dicom, name="dicom"),
    path("title/", dicom_views.rename_ae_title, name="rename_ae_title"),
    path("devices/", dicom_views.list_device, name="list_device"),
    path("devices/<int:pk>/remove/", dicom_views.remove_device, name="remove_device"),
    path("test/", dicom_views.test_connection, name="test_connection"),
    path("connection/", dicom_views.connection, name="connection"),
]
archives = [
    path("", archive_views.index, name="archives"),
    path("add/", archive_views.add, name="add_archive"),
    path("<slug:name>/", archive_views.change, name="change_archive"),
    path("<slug:name>/default/", archive_views.make_default, name="make_default_archive"),
    path("<slug:name>/look/", archive_views.look, name="look_at_archive"),
    path("<slug:name>/take-out/", archive_views.take_out, name="take_out_archive"),
]
urlpatterns = [
    path("projects/<slug:namespace>/data/", include(pages)),
    path("projects/<slug:namespace>/dicom/", include(dicom)),
    path("projects/<slug:namespace>/archives/", include(archives)),
]
