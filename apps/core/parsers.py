"""What the API reads. A module of its own, since the framework's views load it while they load."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class Json(JSONParser):
    """JSON whose nesting and texts this program can hold. Raises ParseError for other JSON as for any other text."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            content = super().parse(stream, media_type, parser_context)
            # JSON may escape half of a surrogate pair, which no answer and no database can hold.
            json.dumps(content, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deep") from error
        except UnicodeEncodeError as error:
            raise ParseError("JSON parse error - half of a surrogate pair") from error
        return content
