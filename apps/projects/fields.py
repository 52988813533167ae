"""What forms about projects are made of."""

from django import forms

CPUS = (1, 1024)
MEMORY_GIB = (1, 8192)
GPUS = (0, 128)
STORAGE_GIB = (1, 100_000)


class Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def amount(label: str, bounds: tuple[int, int], initial: int | None = None) -> forms.IntegerField:
    least, most = bounds
    return forms.IntegerField(label=label, min_value=least, max_value=most, initial=initial)
