"""Names of files and folders for people who take images away: safe on every system, and none twice."""

import re
import unicodedata
from itertools import count

from apps.archives.models import Instance, Patient, Series, Study

_MOST_CHARACTERS = 40
# Windows takes them for devices, whatever stands behind a point.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)


class Folders:
    """Those of one archive: patient, study, series."""

    def __init__(self) -> None:
        self._paths: dict[Patient | Study | Series, str] = {}
        self._taken: set[str] = set()

    def path_of(self, instance: Instance) -> str:
        """`patient/study/series/SOPInstanceUID.dcm`."""
        return f"{self._folder_of(instance.series)}{instance.sop_instance_uid}.dcm"

    def _folder_of(self, series: Series) -> str:
        study, patient = series.study, series.study.patient
        number = "" if series.series_number is None else f"{series.series_number:03}"
        above = self._path("", patient, patient.patient_id or patient.patient_name)
        above = self._path(above, study, f"{study.study_date} {study.study_description}")
        return self._path(above, series, f"{number} {series.modality} {series.series_description}")

    def _path(self, above: str, row: Patient | Study | Series, wanted: str) -> str:
        if row not in self._paths:
            self._paths[row] = self._free(above + (_safe(wanted) or type(row).__name__.lower()))
        return self._paths[row]

    def _free(self, path: str) -> str:
        """The path, or with a number behind it: two rows may look alike, or differ by nothing but case."""
        numbered = (path if number == 1 else f"{path} ({number})" for number in count(1))
        free = next(one for one in numbered if one.casefold() not in self._taken)
        self._taken.add(free.casefold())
        return f"{free}/"


def _safe(text: str) -> str:
    """Letters and digits of any script, and what no system minds; everything else is an underscore."""
    plain = unicodedata.normalize("NFC", text)
    kept = "".join(one if one in "-_+, " or unicodedata.category(one)[0] in "LMN" else "_" for one in plain)
    name = " ".join(kept.split())[:_MOST_CHARACTERS].strip()
    return f"_{name}" if _DEVICES.fullmatch(name) else name
