"""Studies, series and uploads."""

from tests.idor.rows.row import NAMESPACE, SERIES, Expected, Row, in_project

UPLOAD = {**NAMESPACE, "pk": "upload"}
UPLOADED_FILE = {**NAMESPACE, "pk": "uploaded_file"}
EXPORT = {**NAMESPACE, "pk": "export"}
# For those who may export, which alice alone may.
EXPORTERS: Expected = (302, 404, 403, 403, 200, 404, 403, 403)
EXPORTERS_POST: Expected = (302, 404, 403, 403, 302, 404, 403, 403)
IMAGE = {**SERIES, "sop_instance_uid": "sop_instance_uid"}
FORM = "application/x-www-form-urlencoded"
DATASETS = [
    # Where nothing is chosen, an owner is sent back with a sentence.
    Row("datasets:delete_studies", (302, 404, 403, 403, 302, 404, 403, 403), "POST", NAMESPACE),
    Row("datasets:studies", in_project(200), kwargs=NAMESPACE),
    # The action "list" of those who may export, without a study: back to the list with a sentence.
    Row("datasets:act", EXPORTERS_POST, "POST", NAMESPACE, extra={"data": "action=list", "content_type": FORM}),
    Row("datasets:upload", in_project(403, member=302), "POST", NAMESPACE),
    Row("datasets:uploads", in_project(200), kwargs=NAMESPACE),
    Row("datasets:upload_token", in_project(403, member=200), kwargs=NAMESPACE),
    # Without files, which are announced by a script alone.
    Row("datasets:announce", in_project(403, member=400), "POST", NAMESPACE),
    Row("datasets:upload_result", in_project(200), kwargs=UPLOAD),
    Row("datasets:not_taken", in_project(200), kwargs=UPLOAD),
    # Alice sends it, and her file is in, so that no part of it is missing.
    Row("datasets:uploaded_file", (302, 404, 403, 404, 200, 404, 403, 403), kwargs=UPLOADED_FILE),
    Row("datasets:part", (302, 404, 403, 404, 409, 404, 403, 403), "POST", UPLOADED_FILE),
    Row("datasets:end_upload", (302, 404, 403, 404, 302, 404, 403, 403), "POST", UPLOAD),
    Row("datasets:exports", EXPORTERS, kwargs=NAMESPACE),
    # The form without a target comes back with a sentence.
    Row("datasets:ask_export", EXPORTERS, "POST", NAMESPACE),
    Row("datasets:cancel_export", EXPORTERS_POST, "POST", EXPORT),
    Row("datasets:study", in_project(200), kwargs={**NAMESPACE, "study_instance_uid": "study_instance_uid"}),
    Row("datasets:series", in_project(200), kwargs=SERIES),
    Row("datasets:overlay", in_project(406), kwargs=IMAGE),
    Row("datasets:dicom", in_project(200), kwargs=NAMESPACE),
    Row("datasets:connection", in_project(200), kwargs=NAMESPACE),
    Row("datasets:test_connection", in_project(403, member=302), "POST", NAMESPACE),
    # The forms without a title come back with a sentence.
    Row("datasets:rename_ae_title", (302, 404, 403, 403, 200, 404, 403, 403), "POST", NAMESPACE),
    Row("datasets:list_device", (302, 404, 403, 403, 403, 404, 403, 200), "POST", NAMESPACE),
    Row("datasets:remove_device", (302, 404, 403, 403, 403, 404, 403, 302), "POST", {**NAMESPACE, "pk": "device"}),
    Row("datasets:attributes", in_project(200), kwargs=IMAGE),
]
