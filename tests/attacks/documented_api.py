"""The API's own document, by which answers are judged, and a program that has each of its answers judged."""

import re
from functools import cache
from typing import Any

import requests
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.schemas import BaseSchema

from tests.programs import Program

API = "/api/v1/"
ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
Operation = tuple[str, str]


@cache
def document() -> BaseSchema:
    return schemathesis.openapi.from_dict(SchemaGenerator().get_schema(public=True))


def operations() -> set[Operation]:
    """Method and path of each, the path as the document has it."""
    found = (result.ok() for result in document().get_all_operations())
    return {(operation.method.upper(), operation.path) for operation in found}


def judge(operation: Operation, status: int, headers: dict[str, str], content: bytes) -> None:
    """Raises AssertionError when status, type or content are not as the document says."""
    method, path = operation
    told = document()[path][method]
    assert str(status) in told.definition.raw["responses"], f"{method} {path} answers {status}"
    asked = requests.Request(method, f"http://testserver{path}").prepare()
    lists = {name: [value] for name, value in headers.items()}
    try:
        told.validate_response(Response(status, lists, content, asked, elapsed=0, verify=True))
    except FailureGroup as failures:
        raise AssertionError(f"{method} {path}: {failures.exceptions}") from failures


class Judged:
    """A program whose answers have to be as the document says; `succeeded` is what it was granted."""

    def __init__(self, program: Program, succeeded: set[Operation]) -> None:
        self.program = program
        self.succeeded = succeeded

    def ask(self, method: str, path: str, content: object = None) -> Any:
        """The JSON of the answer, which has to be a success."""
        is_read = method == "GET"
        answer = self.program.get(API + path) if is_read else self.program.send(method.lower(), API + path, content)
        operation = (method, _documented(answer.resolver_match.route))
        assert 200 <= answer.status_code < 300, (operation, answer.status_code, answer.content)
        judge(operation, answer.status_code, dict(answer.headers), answer.content)
        self.succeeded.add(operation)
        return answer.json() if answer.content else None


def _documented(route: str) -> str:
    """The path as the document writes it: "projects/<slug:namespace>/" is "projects/{namespace}/"."""
    return "/" + ARGUMENT.sub(lambda found: "{id}" if found[1] == "pk" else f"{{{found[1]}}}", route)
