import re
from typing import Any

from django.core.validators import RegexValidator

# For what stands in mails and in headings: nothing in it may begin a line of its own or turn the writing round,
CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
# nor stand there unseen, so that two names look the same and one like none. Selectors of variants, which names of Japan
# are written with, are let pass.
UNSEEN = (
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2060-\u2065"
    r"\u206a-\u206f\u2800\u3164\ufeff\uffa0"
)
# Beyond four digits: the API's document shows the pattern below, and programs read these there in different ways.
TAGS = re.compile("[\U000e0000-\U000e007f]")


class OneLine(RegexValidator):
    """Takes text on one line, all of which can be seen."""

    regex = rf"^[^{CONTROLS}{UNSEEN}]*\Z"
    message = "Write this on one line, without characters that cannot be seen."

    def __call__(self, value: Any) -> None:
        super().__call__(TAGS.sub("\u200b", str(value)))


ONE_LINE = OneLine()
