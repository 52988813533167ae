"""What DICOM addresses hold, for every room's urls: `<uid:…>`, `<frames:…>`, `<bulk_path:…>`; anything else is 404."""

from django.urls import register_converter


class UidConverter:
    regex = r"[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class FramesConverter:
    """Frame numbers, from 1, with commas between them."""

    regex = r"[0-9]{1,9}(?:,[0-9]{1,9})*"

    def to_python(self, value: str) -> list[int]:
        return [int(number) for number in value.split(",")]

    def to_url(self, value: list[int]) -> str:
        return ",".join(map(str, value))


class BulkPathConverter:
    """A tag, or tags and item numbers: `00281201`, `54000100/1/54001010`."""

    regex = r"[0-9A-F]{8}(?:/[0-9]{1,9}/[0-9A-F]{8})*"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(UidConverter, "uid")
register_converter(FramesConverter, "frames")
register_converter(BulkPathConverter, "bulk_path")
