from dataclasses import replace

from django.http import HttpRequest, HttpResponseBase

from apps.archives.access import visit
from apps.archives.dicomweb import answers, uri
from apps.archives.dicomweb.negotiation import DICOM
from apps.archives.stores import store_of
from apps.archives.views import noting
from apps.archives.views.pixels import picture


@answers.dicomweb("GET", "HEAD")
def wado_uri(request: HttpRequest, namespace: str, archive_name: str = "") -> HttpResponseBase:
    """One instance by the URI service (PS3.18 9), with the same rights and the same traces as by WADO-RS."""
    visitor = visit(request, namespace, archive_name)
    target = uri.target_of(request.GET)
    instance = visitor.instance(target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid)
    offer = uri.offer_for(request, instance)
    if offer.media_type == DICOM:
        visitor.entry.need_export()
        content = store_of(instance.archive).whole(instance)
        noting.exported(request, visitor, instance)
        # Media types of this service have no transfer syntax (PS3.18 8.7.3.5.2).
        return answers.single(replace(content, transfer_syntax_uid=""))
    visitor.need_pixels()
    number = uri.frame_of(request.GET, instance)
    return picture(request, visitor, instance, number, uri.look_of(request.GET.dict(), instance, offer.media_type))
