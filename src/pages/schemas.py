"""Schemas of openapi.yaml as HTML: members with their types, their limits and what they mean."""

import html
import json
import re

import markdown_it

METHODS = ("get", "post", "put", "patch", "delete")
MARKDOWN = markdown_it.MarkdownIt("commonmark", {"html": False})
PATTERN_MAX = 24  # longer ones say less than the description does
CHOICES_MAX = 6  # of more kinds of objects the list of them says it


def escape(text):
    return html.escape(str(text))


def last_of(path):
    """Cart of #/components/schemas/Cart, cart-full of /problems/cart-full."""
    return path.rpartition("/")[2]


def code(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return f"<code>{escape(text)}</code>"


def code_block(content, attributes=""):
    """Content is HTML already. It scrolls, so the keyboard must reach it."""
    return f'<div class="code"><pre tabindex="0"{attributes}><code>{content}</code></pre></div>'


def folded(summary, content, attributes=""):
    return f"<details{attributes}><summary>{summary}</summary>{content}</details>"


def range_of(schema, least, most, unit=""):
    """"1 to 128 characters", "at least 1": of a pair of keywords; "" if there is neither."""
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    if high is None:
        return f"at least {low}{unit}"
    if low is None or (low == 0 and unit):
        return f"at most {high}{unit}"
    return f"{low} to {high}{unit}"


def limits_of(schema):
    limits = [
        schema.get("format", ""),
        range_of(schema, "minimum", "maximum"),
        range_of(schema, "minLength", "maxLength", " characters"),
        range_of(schema, "minItems", "maxItems", " entries"),
        range_of(schema, "minProperties", "maxProperties", " members"),
    ]
    if len(schema.get("pattern", "")) in range(1, PATTERN_MAX):
        limits.append(f"pattern {code(schema['pattern'])}")
    if "default" in schema:
        limits.append(f"default {code(schema['default'])}")
    return ", ".join(limit for limit in limits if limit)


class Schemas:
    """Of requests, or of answers: what a client must send is marked there, what may be absent here.

    `shared` are the names of the schemas that are shown once, at #object-NAME, and linked from
    wherever they are used. `root` is where the page of those anchors is: "" within it."""

    def __init__(self, document, are_answers, shared=(), root=""):
        self.document, self.are_answers, self.shared, self.root = document, are_answers, shared, root
        schemas = document["components"]["schemas"].values()
        types = (schema.get("properties", {}).get("type", {}) for schema in schemas)
        self.operations = {
            f"{method.upper()} {path}": item[method]["operationId"]
            for path, item in document["paths"].items()
            for method in METHODS
            if method in item
        }
        self.problems = {
            last_of(kind["const"])
            for kind in types
            if str(kind.get("const", "")).startswith("/problems/")
        }

    def resolve(self, node):
        """What a reference leads to, with what stands beside it on top."""
        while "$ref" in node:
            target = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        return node

    def text(self, markdown):
        """Markdown as HTML; the slug of a problem leads to it, "POST /carts" to the operation."""

        def link_problem(match):
            return self.link(f"problem-{match[1]}" if match[1] in self.problems else None, match[0])

        def link_operation(match):
            return self.link(self.operations.get(match[0]), match[0])

        text = MARKDOWN.render(markdown or "").strip()
        text = re.sub(r"<code>([a-z-]+)</code>", link_problem, text)
        return re.sub(r"\b[A-Z]+ /(?:[\w{}/.-]*[\w}])?", link_operation, text)

    def link(self, anchor, text):
        return f'<a href="{self.root}#{anchor}">{text}</a>' if anchor else text

    # ---- what a value may be ----

    def type_of(self, node):
        schema = self.resolve(node)
        choices = schema.get("oneOf") or schema.get("anyOf")
        if choices:
            kinds = dict.fromkeys(self.type_of(choice) for choice in choices)
            return " or ".join(kinds) if len(kinds) < CHOICES_MAX else "any of these"
        if "$ref" in node and "properties" in schema:
            return last_of(node["$ref"])
        if "const" in schema:
            return code(schema["const"])
        if "enum" in schema:
            return " or ".join(code(value) for value in schema["enum"])
        kinds = schema.get("type", "any value")
        return " or ".join(self.kind_of(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds))

    def kind_of(self, kind, schema):
        if kind == "array":
            return f"array of {self.type_of(schema['items'])}"
        if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
            return f"object of {self.type_of(schema['additionalProperties'])}"
        return kind

    def describe(self, node):
        """Type, limits and meaning of a value, and the members of the objects within it."""
        schema = self.resolve(node)
        main = self.main_choice(schema)
        limits = limits_of({**main, **schema})
        kind = ", ".join(filter(None, (self.type_of(node), limits)))
        meaning = self.text(schema.get("description") or main.get("description"))
        return f'<span class="type">{kind}</span>', meaning + self.inner(node)

    def main_choice(self, schema):
        """The schema whose limits count: that of "this or null" is this."""
        choices = [self.resolve(c) for c in schema.get("oneOf") or schema.get("anyOf") or ()]
        choices = [choice for choice in choices if choice.get("type") != "null"]
        return choices[0] if len(choices) == 1 else schema

    # ---- members ----

    def objects_in(self, node):
        """(name or "", reference, schema) of each object that a value is, or is made of."""
        schema = self.resolve(node)
        name = last_of(node.get("$ref", ""))
        if "properties" in schema:
            yield name, schema
            return
        below = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
        below += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
        for one in below:
            yield from self.objects_in(one)

    def inner(self, node):
        return "".join(self.fold(name, schema) for name, schema in self.objects_in(node))

    def fold(self, name, schema):
        if name in self.shared:
            link = f'<p><a href="{self.root}#object-{name}">{name}</a></p>'
            return folded(name, link, f' data-object="{name}"')
        kind = schema["properties"].get("type", {}).get("const")
        return folded(code(kind) if kind else escape(name or "Its members"), self.members(schema))

    def members(self, schema, but=()):
        """The members of an object as a list."""
        needed = schema.get("required", ())
        rows = [
            self.row(name, node, name in needed)
            for name, node in schema.get("properties", {}).items()
            if name not in but
        ]
        meaning = "" if but else self.text(schema.get("description"))
        return f'{meaning}<ul class="members">{"".join(rows)}</ul>' if rows else f"{meaning}"

    def row(self, name, node, is_required, attributes=""):
        kind, meaning = self.describe(node)
        mark = ""
        if is_required and not self.are_answers:
            mark = ' <b class="required">required</b>'
        elif self.are_answers and not is_required:
            mark = ' <span class="absent">may be absent</span>'
        return f'<li{attributes}><code class="name">{escape(name)}</code> {kind}{mark}{meaning}</li>'
