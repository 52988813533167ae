"""The DICOMweb addresses."""

from tests.idor.rows.row import MANAGERS, MANAGERS_POST, NAMESPACE, Expected, Row, in_project

STUDY = {**NAMESPACE, "study_instance_uid": "study_instance_uid"}
STUDY_SERIES = {**STUDY, "series_instance_uid": "series_instance_uid"}
INSTANCE = {**STUDY_SERIES, "sop_instance_uid": "sop_instance_uid"}
READ = in_project(200, anonymous=401)
# Whole objects leave the platform: for those who may export, which alice alone may.
EXPORT: Expected = (401, 404, 403, 403, 200, 404, 403, 403)
DELETE: Expected = (401, 404, 403, 403, 204, 404, 403, 403)
ARCHIVE_READS = {
    "studies": NAMESPACE,
    "all_series": NAMESPACE,
    "all_instances": NAMESPACE,
    "study_metadata": STUDY,
    "study_rendered": STUDY,
    "study_thumbnail": STUDY,
    "study_series": STUDY,
    "study_instances": STUDY,
    "series_metadata": STUDY_SERIES,
    "series_rendered": STUDY_SERIES,
    "series_thumbnail": STUDY_SERIES,
    "series_instances": STUDY_SERIES,
    "instance_metadata": INSTANCE,
    "instance_rendered": INSTANCE,
    "instance_thumbnail": INSTANCE,
    "frames": {**INSTANCE, "numbers": "frames"},
    "frame_rendered": {**INSTANCE, "frame": "frame"},
    "frame_thumbnail": {**INSTANCE, "frame": "frame"},
    "bulk_data": {**INSTANCE, "path": "bulk"},
}
ARCHIVE_EXPORTS = {"study": STUDY, "series": STUDY_SERIES, "instance": INSTANCE}
ARCHIVE_STORES = {"studies": NAMESPACE, "study": STUDY}


def _archive_rows(in_archive: dict[str, str]) -> list[Row]:
    """The DICOMweb addresses of the default archive, or of one that is named."""
    return [
        *(Row(f"archives:{name}", READ, kwargs={**kwargs, **in_archive}) for name, kwargs in ARCHIVE_READS.items()),
        *(Row(f"archives:{name}", EXPORT, kwargs={**kwargs, **in_archive}) for name, kwargs in ARCHIVE_EXPORTS.items()),
        # What it asks for is checked by tests of its own.
        Row("archives:wado_uri", in_project(400, anonymous=401), kwargs={**NAMESPACE, **in_archive}),
        *(
            Row(f"archives:{name}", in_project(403, member=415, anonymous=401), "POST", {**kwargs, **in_archive})
            for name, kwargs in ARCHIVE_STORES.items()
        ),
        *(
            Row(f"archives:{name}", DELETE, "DELETE", {**kwargs, **in_archive})
            for name, kwargs in ARCHIVE_EXPORTS.items()
        ),
    ]


NAMED = {**NAMESPACE, "name": "archive"}
ARCHIVES = [
    *_archive_rows({}),
    *_archive_rows({"archive_name": "archive"}),
    Row("datasets:archives", in_project(200), kwargs=NAMESPACE),
    Row("datasets:add_archive", MANAGERS, kwargs=NAMESPACE),
    # The form that is empty comes back with a sentence.
    Row("datasets:add_archive", MANAGERS, "POST", NAMESPACE),
    # This one is the portal's own: who manages is sent back to the archives.
    Row("datasets:change_archive", MANAGERS_POST, kwargs=NAMED),
    Row("datasets:make_default_archive", MANAGERS_POST, "POST", NAMED),
    Row("datasets:look_at_archive", MANAGERS_POST, "POST", NAMED),
    Row("datasets:take_out_archive", MANAGERS, kwargs=NAMED),
    Row("datasets:take_out_archive", MANAGERS_POST, "POST", NAMED),
]
