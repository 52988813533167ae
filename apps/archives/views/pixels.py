from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from apps.archives.access import Visit, visit
from apps.archives.dicomweb import answers, multipart
from apps.archives.dicomweb.negotiation import Offer, choose
from apps.archives.dicomweb.presentation import look_of
from apps.archives.media import EXPLICIT_LITTLE_ENDIAN, OCTET_STREAM, PIXEL_DATA, frame_form
from apps.archives.models import Instance
from apps.archives.port import Content, Look, NotInObject
from apps.archives.selectors import representative_of
from apps.archives.services import render
from apps.archives.stores import store_of
from apps.archives.views import addresses, noting


@answers.dicomweb("GET", "HEAD")
def frames(
    request: HttpRequest, namespace: str, numbers: list[int], archive_name: str = "", **uids: str
) -> HttpResponseBase:
    visitor = visit(request, namespace, archive_name)
    return _frames(request, visitor, visitor.instance(**uids), numbers)


@answers.dicomweb("GET", "HEAD")
def bulk_data(request: HttpRequest, namespace: str, path: str, archive_name: str = "", **uids: str) -> HttpResponseBase:
    visitor = visit(request, namespace, archive_name)
    instance = visitor.instance(**uids)
    media_type, syntax = frame_form(instance.transfer_syntax_uid)
    is_encapsulated = syntax == instance.transfer_syntax_uid != EXPLICIT_LITTLE_ENDIAN
    if path == PIXEL_DATA and is_encapsulated and not media_type.startswith("video/"):
        # Encapsulated pixel data is handed out frame by frame (PS3.18 8.7.3.3).
        return _frames(request, visitor, instance, range(1, instance.number_of_frames + 1))
    visitor.need_pixels()
    content = store_of(instance.archive).bulk(instance, path)
    offers = [Offer(content.media_type, is_multipart, content.transfer_syntax_uid) for is_multipart in (True, False)]
    offer = choose(request, offers)
    return _answer(request, visitor, instance, offer, [(content, f"bulkdata/{path}")])


@answers.dicomweb("GET", "HEAD")
def rendered(
    request: HttpRequest,
    namespace: str,
    frame: int | None = None,
    archive_name: str = "",
    *,
    is_thumbnail: bool = False,
    **uids: str,
) -> HttpResponseBase:
    visitor = visit(request, namespace, archive_name)
    subject = visitor.find(**uids)
    visitor.need_pixels()
    instance = representative_of(subject)
    if instance is None:
        raise NotInObject
    look = look_of(request, instance, is_thumbnail=is_thumbnail)
    number = (instance.number_of_frames + 1) // 2 if frame is None else frame
    return picture(request, visitor, instance, number, look)


def picture(request: HttpRequest, visitor: Visit, instance: Instance, number: int, look: Look) -> HttpResponseBase:
    """One frame, rendered, for who may see its pixels."""
    noting.pixels(request, visitor, instance.series.study)
    etag = answers.digest(instance.sha256, number, look)
    not_modified = answers.not_modified(request, etag)
    if not_modified:
        return not_modified
    shown = render(instance, number, look)
    return answers.lasting(HttpResponse(shown.body, content_type=shown.media_type), etag)


def _frames(request: HttpRequest, visitor: Visit, instance: Instance, numbers: Sequence[int]) -> HttpResponseBase:
    visitor.need_pixels()
    stored, decoded = frame_form(instance.transfer_syntax_uid), (OCTET_STREAM, EXPLICIT_LITTLE_ENDIAN)
    forms = (True, False) if len(numbers) == 1 else (True,)
    kinds = dict.fromkeys((stored, decoded))
    offer = choose(request, [Offer(kind, is_multipart, syntax) for kind, syntax in kinds for is_multipart in forms])
    store = store_of(instance.archive)
    read = store.frames if offer.media_type == stored[0] else store.decoded_frames
    contents = read(instance, numbers)
    places = (f"frames/{number}" for number in numbers)
    return _answer(request, visitor, instance, offer, list(zip(contents, places, strict=True)))


def _answer(
    request: HttpRequest, visitor: Visit, instance: Instance, offer: Offer, found: list[tuple[Content, str]]
) -> HttpResponseBase:
    """Parts of an instance, each with its place below the address of that."""
    noting.pixels(request, visitor, instance.series.study)
    etag = answers.digest(instance.sha256, offer, [place for _, place in found])
    not_modified = answers.not_modified(request, etag)
    if not_modified:
        return not_modified
    if not offer.is_multipart:
        return answers.lasting(answers.single(found[0][0]), etag)
    root = addresses.root(request, visitor.entry.project.namespace, visitor.archive_name)
    address = addresses.instance_address(root, instance)
    parts = [multipart.Part(content, f"{address}/{place}") for content, place in found]
    return answers.lasting(multipart.respond(parts, media_type=offer.media_type), etag)
