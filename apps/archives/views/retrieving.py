from collections.abc import Iterator
from itertools import chain

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from apps.archives import metadata_files, zipping
from apps.archives.access import visit
from apps.archives.dicomweb import answers, multipart
from apps.archives.dicomweb.negotiation import DICOM, Offer, choose
from apps.archives.dicomweb.search import absolute_bulk
from apps.archives.models import Instance, Series, Study
from apps.archives.packing import pack
from apps.archives.selectors import metadata_bytes, study_of, uid_of, whole_instances
from apps.archives.stores import store_of
from apps.archives.views import addresses, noting
from apps.archives.zipping import Member


def whole(request: HttpRequest, namespace: str, archive_name: str, **uids: str) -> HttpResponseBase:
    """Whole Part 10 objects leave the platform: it takes the permission, and each time is audited."""
    visitor = visit(request, namespace, archive_name)
    subject = visitor.find(**uids)
    visitor.entry.need_export()
    instances = whole_instances(subject)
    offer = choose(request, _offers(subject, instances))
    if offer.media_type == zipping.MEDIA_TYPE:
        members = pack(subject.archive, instances)
        noting.exported(request, visitor, subject)
        return _zip(members, name=uid_of(subject))
    store = store_of(subject.archive)
    contents = [store.whole(instance) for instance in instances]
    noting.exported(request, visitor, subject)
    if not offer.is_multipart:
        return answers.single(contents[0])
    root = addresses.root(request, namespace, archive_name)
    places = [addresses.instance_address(root, instance) for instance in instances]
    return multipart.respond(list(map(multipart.Part, contents, places)), media_type=DICOM)


@answers.dicomweb("GET", "HEAD")
def metadata(request: HttpRequest, namespace: str, archive_name: str = "", **uids: str) -> HttpResponseBase:
    visitor = visit(request, namespace, archive_name)
    subject = visitor.find(**uids)
    media_type = answers.json_type(request)
    noting.viewed(request, visitor, study_of(subject))
    holders = _holders(subject)
    etag = answers.digest(media_type, *map(_version, holders))
    not_modified = answers.not_modified(request, etag)
    if not_modified:
        return not_modified
    root = addresses.root(request, namespace, archive_name)
    objects = (absolute_bulk(one, root) for one in chain.from_iterable(map(_metadata, holders)))
    return answers.revalidated(answers.json_stream(objects, media_type), etag)


def _offers(subject: Study | Series | Instance, instances: list[Instance]) -> list[Offer]:
    syntaxes = {instance.transfer_syntax_uid for instance in instances}
    # Several syntaxes in one answer are given only to who takes any.
    syntax = syntaxes.pop() if len(syntaxes) == 1 else ""
    forms = (True, False) if isinstance(subject, Instance) else (True,)
    return [
        *(Offer(DICOM, is_multipart, syntax) for is_multipart in forms),
        Offer(zipping.MEDIA_TYPE, transfer_syntax_uid=syntax),
    ]


def _zip(members: list[Member], *, name: str) -> StreamingHttpResponse:
    """A member that fails midway ends the answer before its Content-Length."""
    response = StreamingHttpResponse(zipping.written(members), content_type=zipping.MEDIA_TYPE)
    response["Content-Length"] = str(zipping.length_of(members))
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=f"{name}.zip")
    return response


def _holders(subject: Study | Series | Instance) -> list[Series | Instance]:
    """What the metadata is read from, piece by piece."""
    return [*subject.series.select_related("study").order_by("pk")] if isinstance(subject, Study) else [subject]


def _metadata(holder: Series | Instance) -> Iterator[bytes]:
    if isinstance(holder, Instance):
        return iter([metadata_bytes(holder)])
    return metadata_files.read(holder)


def _version(subject: Series | Instance) -> str:
    return subject.sha256 if isinstance(subject, Instance) else f"{subject.pk}-{subject.metadata_version}"
