"""openapi.yaml as a judge of answers, and a record of which ones were seen.

check() is called for every answer of every test. Status, headers and media type are always
checked; the body against its schema for the first answers of each kind and a share of the rest,
as a load of ten thousand answers of one kind says nothing new.
"""

import collections
import functools
import json
import re
import threading

import jsonschema
import yaml

from .settings import OPENAPI

BODIES_CHECKED_FIRST = 300
BODIES_CHECKED_THEN = 50  # one in so many


class Undocumented(AssertionError):
    """An answer that openapi.yaml does not allow."""


@functools.cache
def document():
    return yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))


def find_reference(reference):
    node = document()
    for name in reference.removeprefix("#/").split("/"):
        node = node[name.replace("~1", "/").replace("~0", "~")]
    return node


def expand(node):
    """The node with every $ref replaced by what it refers to. The document has no cycles."""
    if isinstance(node, list):
        return [expand(item) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        expanded = expand(find_reference(node["$ref"]))
        others = {name: expand(value) for name, value in node.items() if name != "$ref"}
        return {**expanded, **others}
    return {name: expand(value) for name, value in node.items()}


def validator(schema):
    return jsonschema.Draft202012Validator(schema)


class Response:
    """What one status of one operation looks like."""

    def __init__(self, description):
        self.headers = {}
        for name, header in description.get("headers", {}).items():
            is_required = header.get("required", False)
            self.headers[name.lower()] = (is_required, validator(header["schema"]))
        self.media_types = {
            name: validator(media["schema"])
            for name, media in description.get("content", {}).items()
        }
        self.slugs = set()
        problem = description.get("content", {}).get("application/problem+json")
        if problem:
            for schema in problem["schema"].get("oneOf", [problem["schema"]]):
                self.slugs.add(schema["properties"]["type"]["const"].rsplit("/", 1)[1])


class Operation:
    def __init__(self, path, method, description, parameters):
        self.path = path
        self.method = method
        self.id = description["operationId"]
        self.tag = description["tags"][0]
        self.parameters = parameters + description.get("parameters", [])
        self.responses = {
            int(status): Response(response) for status, response in description["responses"].items()
        }
        content = description.get("requestBody", {}).get("content", {})
        self.has_body = bool(content)
        self.body = validator(content["application/json"]["schema"]) if content else None


class Contract:
    METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")

    def __init__(self):
        tree = expand(document())
        self.any_request = {
            400: Response(tree["x-any-request"]),
            414: Response(tree["x-any-target"]),
            431: Response(tree["x-any-headers"]),
            429: Response(tree["x-any-caller"]),
        }
        self.no_operation = {404: Response(tree["x-any-other-path"]), **self.any_request}
        self.paths = {}
        self.operations = {}
        for path, item in tree["paths"].items():
            pattern = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path.replace(".", r"\.")) + r"\Z")
            methods = {}
            for method in self.METHODS:
                if method in item:
                    operation = Operation(
                        path, method.upper(), item[method], item.get("parameters", [])
                    )
                    methods[method.upper()] = operation
                    self.operations[operation.id] = operation
            options = {204: Response(item["x-options"]), **self.any_request}
            others = {405: Response(item["x-any-other-method"]), **self.any_request}
            self.paths[path] = (pattern, methods, (options, others))

    def find(self, method, target):
        """The operation's id and the responses by status that the request may be answered with."""
        path = target.split("?", 1)[0]
        for template, (pattern, methods, (options, others)) in self.paths.items():
            if pattern.match(path):
                operation = methods.get("GET" if method == "HEAD" else method)
                if operation:
                    return operation.id, operation.responses, operation
                return f"{method} of {template}", options if method == "OPTIONS" else others, None
        return "any other path", self.no_operation, None

    def allowed_methods(self, template):
        methods = {"OPTIONS", *self.paths[template][1]}
        return methods | {"HEAD"} if "GET" in methods else methods


@functools.cache
def contract():
    return Contract()


_lock = threading.Lock()
_seen = collections.Counter()  # (operation id, status)
_slugs = collections.Counter()  # (operation id, status, slug)


def seen():
    """How many answers there were, by operation id and status. HEAD is not counted."""
    with _lock:
        return dict(_seen)


def slugs_seen():
    with _lock:
        return dict(_slugs)


def check(answer, body):
    """Complains of an answer that openapi.yaml does not allow; else records it."""
    operation_id, responses, operation = contract().find(answer.method, answer.target)
    response = responses.get(answer.status)
    if response is None and answer.status in (414, 431):
        response = contract().any_request[answer.status]
    if response is None:
        raise Undocumented(f"{operation_id} has no status {answer.status}: {answer}")
    slug = slug_of(answer)
    with _lock:
        if slug:
            _slugs[operation_id, answer.status, slug] += 1
        if answer.method != "HEAD":
            _seen[operation_id, answer.status] += 1
        count = _seen[operation_id, answer.status]
    if count <= BODIES_CHECKED_FIRST or count % BODIES_CHECKED_THEN == 0:
        check_headers(operation_id, response, answer)
        check_body(operation_id, response, answer)
        if operation and operation.body and body and answer.status in (200, 201, 204):
            complain(
                f"{operation_id} accepted a body that it says it does not take",
                operation.body,
                json.loads(body),
                answer,
            )


def slug_of(answer):
    """Which problem it is; empty: none, or HEAD."""
    media_type = answer.headers.get("content-type", "").split(";")[0].strip()
    if media_type != "application/problem+json" or not answer.body:
        return ""
    return answer.json().get("type", "").rsplit("/", 1)[-1]


def check_headers(operation_id, response, answer):
    for name, (is_required, schema) in response.headers.items():
        if name in answer.headers:
            complain(f"{operation_id}, header {name}", schema, answer.headers[name], answer)
        elif is_required:
            raise Undocumented(f"{operation_id}: the header {name} is missing: {answer}")


def check_body(operation_id, response, answer):
    is_minimal = answer.headers.get("preference-applied") == "return=minimal"
    if answer.method == "HEAD" or is_minimal or not response.media_types:
        if answer.body:
            raise Undocumented(f"{operation_id}: there should be no body: {answer}")
        return
    media_type = answer.headers.get("content-type", "").split(";")[0].strip()
    schema = response.media_types.get(media_type)
    if schema is None:
        raise Undocumented(
            f"{operation_id}: the media type {media_type!r} is undocumented: {answer}"
        )
    if not media_type.endswith("json"):
        return
    value = answer.json()
    if media_type == "application/problem+json" and slug_of(answer) not in response.slugs:
        raise Undocumented(f"{operation_id}: the problem is undocumented: {answer}")
    complain(f"{operation_id}, body of {answer.status}", schema, value, answer)


def complain(what, schema, value, answer):
    error = jsonschema.exceptions.best_match(schema.iter_errors(value))
    if error is not None:
        pointer = "/".join(str(step) for step in error.absolute_path)
        raise Undocumented(f"{what}: at /{pointer}: {error.message[:600]}: {answer}")
