"""Taking a zip archive from outside apart; its names are only ever shown, never used as paths."""

import lzma
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

from .limits import allow_files_of
from .refusals import FileRefused

MAX_RATIO = 200
_RATIO_COUNTS_FROM_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_MAX_SHOWN_NAME = 255
_DAMAGED = "The zip archive is damaged: a file in it cannot be unpacked."


def unzip(path: str, directory: str, max_bytes: int, max_members: int) -> tuple[dict[str, Any], bytes]:
    """Unpack the zip at `path` into the empty folder `directory`, as `000001`, `000002`, …

    The header holds `members`: `name` (as in the zip, for showing alone), `path`, `size`. All its files are there,
    whatever their names; a zip in the zip stays a file. Raises FileRefused for what is no zip, encrypted, damaged, or
    larger than `max_bytes` or `max_members` allow; the caller removes the folder in any case.
    """
    allow_files_of(max_bytes)
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = [info for info in archive.infolist() if not info.is_dir()]
            _check(wanted, max_bytes, max_members)
            return {"members": _unpack_all(archive, wanted, Path(directory), max_bytes)}, b""
    except (zipfile.BadZipFile, NotImplementedError):
        raise FileRefused("The zip archive is damaged or cut short.") from None
    finally:
        allow_files_of(0)


def _check(wanted: list[zipfile.ZipInfo], max_bytes: int, max_members: int) -> None:
    if len(wanted) > max_members:
        raise FileRefused(f"The zip archive holds {len(wanted)} files; at most {max_members} are accepted.")
    if any(info.flag_bits & 1 for info in wanted):
        raise FileRefused("The zip archive is protected by a password; unpack it first.")
    _check_size(sum(info.file_size for info in wanted), max_bytes)
    _check_ratio(sum(info.file_size for info in wanted), sum(info.compress_size for info in wanted))


def _check_size(unpacked: int, max_bytes: int) -> None:
    if unpacked > max_bytes:
        raise FileRefused(f"The zip archive unpacks to more than {max_bytes // 1024**2} MiB, which is not accepted.")


def _check_ratio(unpacked: int, packed: int) -> None:
    if unpacked > _RATIO_COUNTS_FROM_BYTES and unpacked > MAX_RATIO * max(packed, 1):
        raise FileRefused(f"The zip archive unpacks to more than {MAX_RATIO} times its size, which is not accepted.")


def _unpack_all(
    archive: zipfile.ZipFile, wanted: list[zipfile.ZipInfo], directory: Path, max_bytes: int
) -> list[dict[str, Any]]:
    members: list[dict[str, Any]] = []
    unpacked = 0
    for number, info in enumerate(wanted, 1):
        destination = directory / f"{number:06}"
        size = _unpack(archive, info, destination, unpacked, max_bytes)
        unpacked += size
        members.append({"name": _shown(info.filename), "path": str(destination), "size": size})
    return members


def _unpack(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, destination: Path, unpacked_before: int, max_bytes: int
) -> int:
    size = 0
    try:
        with archive.open(info) as packed, destination.open("xb") as file:
            while chunk := packed.read(_CHUNK_BYTES):
                size += len(chunk)
                # The sizes in the directory of a zip may lie.
                _check_size(unpacked_before + size, max_bytes)
                _check_ratio(size, info.compress_size)
                file.write(chunk)
    except (zlib.error, lzma.LZMAError, EOFError, RuntimeError) as error:
        raise FileRefused(_DAMAGED) from error
    return size


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")[-_MAX_SHOWN_NAME:]
