"""The API reference made from openapi.yaml: what docs.html and problem.part are filled with."""

import collections
import json
import urllib.parse

import yaml

from schemas import METHODS, Schemas, code, code_block, escape, folded, last_of

JSON, PROBLEM = "application/json", "application/problem+json"
EXAMPLE_SERVER = "http://localhost:8080"
OVERVIEW = "overview"
TRY_IT = folded("Try it", "<p>This needs scripts.</p>", ' class="try"')


def read(path):
    return Reference(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


class Operation:
    def __init__(self, schemas, path, item, method):
        self.path, self.method, self.own = path, method.upper(), item[method]
        self.id, self.tag, self.summary = self.own["operationId"], self.own["tags"][0], self.own["summary"]
        self.parameters = [
            schemas.resolve(node)
            for node in (*item.get("parameters", ()), *self.own.get("parameters", ()))
        ]
        self.body = schemas.resolve(self.own.get("requestBody", {}))
        self.responses = {
            status: schemas.resolve(node) for status, node in self.own["responses"].items()
        }

    def parameters_in(self, place):
        return [parameter for parameter in self.parameters if parameter["in"] == place]

    def successes(self):
        return {status: one for status, one in self.responses.items() if int(status) < 400}

    def media(self):
        """What it may answer with, but for what never ends."""
        found = [media for one in self.successes().values() for media in one.get("content", ())]
        return [media for media in dict.fromkeys(found) if media != "text/event-stream"]


def problems_of(schemas, response):
    """The names of the problem schemas that a response may have."""
    schema = response.get("content", {}).get(PROBLEM, {}).get("schema", {})
    for node in schema.get("oneOf", (schema,)):
        if "$ref" in node:
            yield last_of(node["$ref"])


def values_of(schemas, owner):
    """(name, value) of each example of a body or a parameter."""
    for name, example in owner.get("examples", {}).items():
        yield name, schemas.resolve(example)["value"]


def print_value(value):
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


class Reference:
    def __init__(self, document):
        self.document = document
        self.schemas = Schemas(document, are_answers=False)
        self.operations = [
            Operation(self.schemas, path, item, method)
            for path, item in document["paths"].items()
            for method in METHODS
            if method in item
        ]
        self.shared = self.shared_objects()
        self.answers = Schemas(document, are_answers=True, shared=self.shared)
        self.problems = self.find_problems()

    def shared_objects(self):
        """What several operations answer with."""
        times = collections.Counter()
        for operation in self.operations:
            contents = [one.get("content", {}) for one in operation.successes().values()]
            schemas = [content[JSON]["schema"] for content in contents if JSON in content]
            times.update({last_of(schema["$ref"]) for schema in schemas if "$ref" in schema})
        return [name for name, number in times.items() if number > 1]

    def find_problems(self):
        """{slug: (schema, operations that answer with it)} in the order of openapi.yaml."""
        answered = collections.defaultdict(list)
        for operation in self.operations:
            names = (problems_of(self.schemas, one) for one in operation.responses.values())
            for name in dict.fromkeys(name for some in names for name in some):
                answered[name].append(operation)
        return {
            last_of(schema["properties"]["type"]["const"]): (schema, answered[name])
            for name, schema in self.document["components"]["schemas"].items()
            if {"$ref": "#/components/schemas/Problem"} in schema.get("allOf", ())
        }

    # ---- the parts of docs.html ----

    def parts(self):
        tags = "".join(self.tag_section(tag) for tag in self.document["tags"])
        return {"docs.index": self.index(), "docs.reference": self.overview() + tags + self.rest()}

    def index(self):
        groups = [("Overview", [(OVERVIEW, "Every request"), ("credentials", "Credentials")])]
        for tag in self.document["tags"]:
            operations = [one for one in self.operations if one.tag == tag["name"]]
            rows = [(one.id, f"{method_badge(one)} {escape(one.id)}") for one in operations]
            groups.append((tag["name"].capitalize(), rows))
        groups.append(("Objects", [(f"object-{name}", name) for name in self.shared]))
        groups.append(("Headers", [("headers", "Headers of responses")]))
        groups.append(("Problems", [(f"problem-{slug}", slug) for slug in self.problems]))
        return "\n".join(
            f"<li><b>{title}</b><ul>"
            + "".join(f'<li><a href="#{anchor}">{text}</a></li>' for anchor, text in rows)
            + "</ul></li>"
            for title, rows in groups
        )

    def overview(self):
        first, end, rest = self.schemas.text(self.document["info"]["description"]).partition("</p>")
        scopes = self.document["components"]["securitySchemes"]["bearer"]["x-scopes"]
        rows = "".join(f"<dt>{code(name)}</dt><dd>{escape(text)}</dd>" for name, text in scopes.items())
        schemes = "".join(
            self.schemas.text(scheme["description"])
            for scheme in self.document["components"]["securitySchemes"].values()
        )
        return (
            f'<section id="{OVERVIEW}" class="prose">{heading(OVERVIEW, "Every request", 2)}'
            f"{first}{end}{folded('What holds for every path', rest)}</section>"
            f'<section id="credentials" class="prose">{heading("credentials", "Credentials", 2)}'
            f'{schemes}<dl class="scopes">{rows}</dl></section>'
        )

    def tag_section(self, tag):
        name = tag["name"]
        operations = "\n".join(self.operation(one) for one in self.operations if one.tag == name)
        return (
            f'<section class="group" id="tag-{name}">{heading(f"tag-{name}", name.capitalize(), 2)}'
            f'{self.schemas.text(tag["description"])}{operations}</section>'
        )

    def rest(self):
        objects = "".join(self.object(name) for name in self.shared)
        headers = "".join(
            self.answers.row(name, self.header(node), node.get("required", False), f' id="header-{name}"')
            for name, node in self.document["components"]["headers"].items()
        )
        problems = "".join(
            f'<section class="entry" id="problem-{slug}">'
            f'{heading(f"problem-{slug}", escape(self.title_of(slug)), 3)}{self.problem(slug, self.answers)}</section>'
            for slug in self.problems
        )
        return (
            f'<section class="group" id="objects">{heading("objects", "Objects", 2)}'
            f"<p>What several operations answer with.</p>{objects}</section>"
            f'<section id="headers" class="prose">{heading("headers", "Headers of responses", 2)}'
            f'<ul class="members">{headers}</ul></section>'
            f'<section class="group" id="problems">{heading("problems", "Problems", 2)}'
            f"<p>What goes wrong is answered as {code(PROBLEM)} (RFC 9457). Programs rely on "
            f"{code('type')} and the other members.</p>{problems}</section>"
        )

    def object(self, name):
        members = self.answers.members(self.document["components"]["schemas"][name])
        anchor = f"object-{name}"
        return f'<section class="entry" id="{anchor}">{heading(anchor, name, 3)}{members}</section>'

    def header(self, node):
        return {**node["schema"], "description": node.get("description", "")}

    # ---- an operation ----

    def operation(self, one):
        path = escape(one.path).replace("/", "/<wbr>")
        credentials = self.credentials(one.own["security"])
        bearer = " data-bearer" if one.own["security"] else ""
        return (
            f'<section class="operation" id="{one.id}" data-method="{one.method}" data-path="{escape(one.path)}"'
            f' data-media="{" ".join(one.media())}"{bearer}>'
            f'<div class="about">{heading(one.id, escape(one.summary).rstrip("."), 3)}'
            f'<p class="route">{method_badge(one)} <code>{path}</code></p>'
            f'{self.schemas.text(one.own["description"])}'
            f'<p class="quiet">{credentials}</p>'
            f"{self.request(one)}{self.responses(one)}</div>"
            f'<div class="examples">{self.curl(one)}{TRY_IT}{self.bodies(one)}{self.examples(one)}</div>'
            "</section>"
        )

    def credentials(self, requirements):
        if not requirements:
            return "Requires no credentials."
        scopes = [" and ".join(map(code, one["bearer"])) for one in requirements if "bearer" in one]
        names = [f"a bearer token with {' or '.join(scopes)}"]
        if {"cartToken": []} in requirements:
            names.append(f"the {code('Cart-Token')} of the cart")
        if {} in requirements:
            names.append("none, as a guest")
        return f'<a href="#credentials">Credentials</a>: {", or ".join(names)}.'

    def request(self, one):
        parts = []
        for place, title in (("path", "Path"), ("query", "Query")):
            rows = self.parameters(one, place)
            parts.append(f"<h4>{title}</h4>{rows}" if rows else "")
        if one.body:
            schema = self.schemas.resolve(one.body["content"][JSON]["schema"])
            optional = "" if one.body.get("required") else ' <span class="quiet">may be left out</span>'
            members = self.schemas.members(schema) or "<p>None, or an empty object.</p>"
            parts.append(f"<h4>Body{optional}</h4>{members}")
        headers = self.parameters(one, "header")
        if headers:
            names = ", ".join(code(parameter["name"]) for parameter in one.parameters_in("header"))
            parts.append(f"<h4>Headers</h4>{folded(names, headers)}")
        return "".join(parts)

    def parameters(self, one, place):
        rows = "".join(self.parameter(parameter) for parameter in one.parameters_in(place))
        return f'<ul class="members">{rows}</ul>' if rows else ""

    def parameter(self, parameter):
        schema = {**parameter["schema"], "description": parameter.get("description", "")}
        required = parameter.get("required", False)
        example = escape(self.example_value(parameter))
        attributes = f' data-in="{parameter["in"]}" data-example="{example}"'
        return self.schemas.row(parameter["name"], schema, required, attributes)

    def example_value(self, parameter):
        values = (value for _, value in values_of(self.schemas, parameter))
        example = parameter.get("example", next(values, ""))
        return ",".join(example) if isinstance(example, list) else print_value(example)

    def responses(self, one):
        rows = "".join(self.success(status, response) for status, response in one.successes().items())
        problems = "".join(
            f'<li><b class="status">{status}</b> {self.problem_links(response)}</li>'
            for status, response in one.responses.items()
            if int(status) >= 400
        )
        return (
            f'<h4>Responses</h4><ul class="members">{rows}</ul>'
            f'<h4>Problems</h4><ul class="problems">{problems}</ul>'
        )

    def success(self, status, response):
        names = (last_of(node["$ref"]) for node in response.get("headers", {}).values())
        headers = " ".join(f'<a href="#header-{name}">{name}</a>' for name in names)
        content = "".join(
            f"<p>{code(media)}</p>{self.answers.inner(body['schema'])}"
            for media, body in response.get("content", {}).items()
        )
        return (
            f'<li><b class="status">{status}</b> {self.schemas.text(response["description"])}'
            f'{content}<p class="quiet">Headers: {headers}</p></li>'
        )

    def problem_links(self, response):
        names = problems_of(self.schemas, response)
        kinds = (self.document["components"]["schemas"][name]["properties"]["type"] for name in names)
        slugs = (last_of(kind["const"]) for kind in kinds)
        return " ".join(f'<a href="#problem-{slug}">{slug}</a>' for slug in slugs)

    # ---- its examples ----

    def curl(self, one):
        path = one.path
        for parameter in one.parameters_in("path"):
            value = urllib.parse.quote(self.example_value(parameter), safe="")
            path = path.replace(
                f"{{{parameter['name']}}}",
                f'<span data-value="{parameter["name"]}">{escape(value)}</span>',
            )
        words = ["curl"]
        body = next((value for _, value in self.request_values(one)), {})
        if one.method != ("POST" if body else "GET"):
            words.append(f"-X {one.method}")
        if body:
            text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).replace("'", "'\\''")
            words.append(f"--json '{escape(text)}'")
        line = f'{" ".join(words)} <span data-value="origin">{EXAMPLE_SERVER}</span>{path}'
        return code_block(line, ' class="curl"')

    def request_values(self, one):
        """(name, value) of each example of the body; none, if it can only be an empty object."""
        values = [*values_of(self.schemas, one.body["content"][JSON])] if one.body else []
        return values if any(value for _, value in values) else []

    def bodies(self, one):
        return "".join(
            folded(f"Body: {escape(name)}", code_block(escape(print_value(value)), " data-body"))
            for name, value in self.request_values(one)
        )

    def examples(self, one):
        """Of responses; the first is open."""
        values = [
            (f"Response {status}: {escape(name)}", value)
            for status, response in one.successes().items()
            for body in response.get("content", {}).values()
            for name, value in values_of(self.schemas, body)
        ]
        return "".join(
            folded(title, code_block(escape(print_value(value))), "" if i else " open")
            for i, (title, value) in enumerate(values)
        )

    # ---- problems ----

    def example_of(self, slug):
        return self.document["components"]["examples"][slug]["value"]

    def title_of(self, slug):
        return self.example_of(slug)["title"]

    def problem_parts(self, slug):
        """Of the page of a problem."""
        schemas = Schemas(self.document, are_answers=True, shared=self.shared, root="/docs")
        return {"problem.title": escape(self.title_of(slug)), "problem.text": self.problem(slug, schemas)}

    def problem(self, slug, schemas):
        schema, operations = self.problems[slug]
        members = schemas.members(schema, but=("type", "status"))
        answered = ", ".join(schemas.link(one.id, one.id) for one in operations)
        if len(operations) == len(self.operations):
            answered = "any operation"
        example = escape(print_value(self.example_of(slug)))
        return (
            f'<p class="route"><b class="status">{schema["properties"]["status"]["const"]}</b> '
            f"<code>/problems/{slug}</code></p>"
            f'{schemas.text(schema["description"])}'
            f'{f"<p>Its own members:</p>{members}" if members else ""}'
            f"{folded('Example', code_block(example), ' open' if schemas.root else '')}"
            f'<p class="quiet">Answered by {answered or "any request, before its operation is known"}.</p>'
        )


def method_badge(one):
    return f'<b class="method {one.method.lower()}">{one.method}</b>'


def heading(anchor, text, level):
    return f'<h{level}><a class="anchor" href="#{anchor}">{text}</a></h{level}>'
