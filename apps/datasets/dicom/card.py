"""The lines of a project's DICOM card: those alone that work for this project and this person, ready to be copied."""

import shlex
from dataclasses import dataclass
from typing import NamedTuple

TOKEN, FOLDER, FILE = '"$TOKEN"', "FOLDER", "IMAGE.dcm"
_PART10 = "application/dicom"
_KEYS = ("QueryRetrieveLevel=STUDY", "StudyInstanceUID", "PatientID", "StudyDate", "StudyDescription")


class Line(NamedTuple):
    label: str
    text: str


class Tool(NamedTuple):
    name: str
    lines: list[Line]


@dataclass(frozen=True)
class Web:
    """The DICOMweb service, what the person's token may do there, and a study to fetch if there is one."""

    url: str
    may_store: bool
    may_retrieve: bool
    study_instance_uid: str = ""


@dataclass(frozen=True)
class Peer:
    """The DIMSE address, as the device of this title reaches it."""

    host: str
    port: int
    called_ae_title: str
    calling_ae_title: str
    may_retrieve: bool
    study_instance_uid: str = ""


def web_tools(web: Web) -> list[Tool]:
    return [Tool("curl", _curl(web)), Tool("dicomweb-client", _dicomweb_client(web)), *_slicer(web)]


def dimse_tools(peer: Peer) -> list[Tool]:
    return [Tool("DCMTK", _dcmtk(peer)), Tool("pynetdicom", _pynetdicom(peer))]


def _curl(web: Web) -> list[Line]:
    ask = 'curl --fail -H "Authorization: Bearer $TOKEN"'
    lines = [Line("Search", f"{ask} -H 'Accept: application/dicom+json' {web.url}/studies")]
    if web.may_store:
        related = f"""-H 'Content-Type: multipart/related; type="{_PART10}"'"""
        lines.append(Line("Store a file", f"{ask} {related} -F 'file=@{FILE};type={_PART10}' {web.url}/studies"))
    if _has_study(web):
        accept = f"""-H 'Accept: multipart/related; type="{_PART10}"'"""
        lines.append(Line("Fetch a study", f"{ask} {accept} -o study.multipart {_study(web)}"))
    return lines


def _dicomweb_client(web: Web) -> list[Line]:
    ask = f"dicomweb_client --url {web.url} --bearer-token {TOKEN}"
    lines = [Line("Search", f"{ask} search studies")]
    if web.may_store:
        lines.append(Line("Store a file", f"{ask} store instances {FILE}"))
    if _has_study(web):
        study = f"--study {web.study_instance_uid} full --save --output-dir {FOLDER}"
        lines.append(Line("Fetch a study", f"{ask} retrieve studies {study}"))
    return lines


def _slicer(web: Web) -> list[Tool]:
    """In Slicer's Python console."""
    if not _has_study(web):
        return []
    call = f'importFromDICOMWeb("{web.url}", "{web.study_instance_uid}", accessToken="TOKEN")'
    return [Tool("3D Slicer", [Line("Python console", f"from DICOMLib import DICOMUtils; DICOMUtils.{call}")])]


def _dcmtk(peer: Peer) -> list[Line]:
    return _dimse_lines(peer, run="", send=f"{_where(peer)} +sd +r {FOLDER}")


def _pynetdicom(peer: Peer) -> list[Line]:
    return _dimse_lines(peer, run="python3 -m pynetdicom ", send=f"-r {_where(peer)} {FOLDER}")


def _dimse_lines(peer: Peer, *, run: str, send: str) -> list[Line]:
    """The two name their programs and options alike, but for how a folder is sent."""
    titles, where = f"-aet {peer.calling_ae_title} -aec {peer.called_ae_title}", _where(peer)
    lines = [
        Line("Try the connection", f"{run}echoscu {titles} {where}"),
        Line("Send a folder", f"{run}storescu {titles} {send}"),
    ]
    if peer.may_retrieve:
        lines.append(Line("Search", f"{run}findscu -S {titles} {where} {' '.join(f'-k {key}' for key in _KEYS)}"))
    if peer.may_retrieve and peer.study_instance_uid:
        lines.append(Line("Fetch a study", f"{run}getscu -S {titles} {where} -od {FOLDER} {_study_keys(peer)}"))
    return lines


def _study_keys(peer: Peer) -> str:
    return f"-k QueryRetrieveLevel=STUDY -k StudyInstanceUID={peer.study_instance_uid}"


def _where(peer: Peer) -> str:
    return f"{shlex.quote(peer.host)} {peer.port}"


def _has_study(web: Web) -> bool:
    return web.may_retrieve and bool(web.study_instance_uid)


def _study(web: Web) -> str:
    return f"{web.url}/studies/{web.study_instance_uid}"
