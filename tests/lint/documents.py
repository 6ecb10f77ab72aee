"""The lint tests of YAML files, and of openapi.yaml as a document: what parsers and code generators
stumble over, and what PyYAML reads without a word.

Everything works on the nodes of the parser, which know their lines; values have lost them.
"""

import re
import urllib.parse

try:
    import yaml
except ImportError:
    yaml = None

FOLDERS = (".ci", "bench", "deploy", "docs", "scripts", "src", "tests")
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}

# The tag that YAML 1.2's core schema gives to a plain scalar (YAML 1.2.2, section 10.3.2). PyYAML
# reads YAML 1.1, where `no` is false, `0700` is octal and a date is no text.
CORE_SCHEMA = [
    ("null", r"(?:null|Null|NULL|~|)\Z"),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z"),
    ("int", r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"),
    ("float", r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"),
]

# In a flow collection these may be text or not, depending on what stands beside them and on the
# parser: an author who means text uses quotes.
AMBIGUOUS_IN_FLOW = re.compile(r"[][{},:?#&*!|>'\"%@`]")

# The statuses that an operation must document: each, one with a body, one that asks for a scope.
ALWAYS = {"400", "401", "406"}
WITH_BODY = {"413", "415", "422"}
WITH_SCOPE = {"403"}


def is_available():
    return yaml is not None


def yaml_files(tree):
    for path in sorted(tree.root.iterdir()):
        if path.suffix in (".yaml", ".yml"):
            yield path
    for path in tree.files(*FOLDERS):
        if path.suffix in (".yaml", ".yml"):
            yield path


def line_of(node):
    return node.start_mark.line + 1


def compose(path):
    """The root node of the file's only document; None of an empty file. May raise YAMLError."""
    with open(path, encoding="utf-8") as stream:
        return yaml.compose(stream, Loader=yaml.SafeLoader)


def check_yaml(tree):
    """No key twice, and nothing that YAML 1.1 and 1.2 or two parsers read in different ways."""
    for path in yaml_files(tree):
        try:
            root = compose(path)
        except yaml.YAMLError as problem:
            mark = getattr(problem, "problem_mark", None)
            number = mark.line + 1 if mark else 1
            yield f"{tree.name(path)}:{number}: {getattr(problem, 'problem', problem)}"
            continue
        for node, reason in faults_below(root, False, set()):
            yield f"{tree.name(path)}:{line_of(node)}: {reason}"


def faults_below(node, is_in_flow, seen):
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        yield from faults_of_scalar(node, is_in_flow)
        return
    is_in_flow = is_in_flow or node.flow_style
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from faults_below(item, is_in_flow, seen)
        return
    keys = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield key, "a key is not a scalar"
        elif key.value in keys:
            yield key, f"the key {key.value!r} is here twice, first in line {keys[key.value]}"
        else:
            keys[key.value] = line_of(key)
        if is_in_flow and is_left_out(value):
            yield key, f"{key.value!r} has no value: put a text with a comma in quotes"
        yield from faults_below(key, is_in_flow, seen)
        yield from faults_below(value, is_in_flow, seen)


def is_left_out(node):
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value == ""


def faults_of_scalar(node, is_in_flow):
    if node.style is not None:  # in quotes, or a block
        return
    if is_in_flow and AMBIGUOUS_IN_FLOW.search(node.value):
        yield node, f"in a flow collection {node.value!r} belongs in quotes"
    old = node.tag.rsplit(":", 1)[1]
    if old != core_tag(node.value):
        yield node, f"YAML 1.1 and 1.2 read {node.value!r} in different ways: put it in quotes"
    elif old == "int" and re.match(r"[-+]?0[0-9]", node.value):
        yield node, f"YAML 1.1 reads {node.value!r} as an octal number, YAML 1.2 does not"


def core_tag(text):
    for tag, pattern in CORE_SCHEMA:
        if re.match(pattern, text):
            return tag
    return "str"


# ---- openapi.yaml --------------------------------------------------------------------------------


def members(node):
    """{name: (key node, value node)} of a mapping; of anything else, nothing."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: (key, value) for key, value in node.value}


def items(node):
    return node.value if isinstance(node, yaml.SequenceNode) else []


def at(node, *names):
    """The node that the names lead to, or None."""
    for name in names:
        node = members(node).get(name, (None, None))[1]
    return node


def find_pointer(root, reference):
    """What a reference within the document leads to, or None."""
    node = root
    for name in urllib.parse.unquote(reference).removeprefix("#").split("/")[1:]:
        name = name.replace("~1", "/").replace("~0", "~")
        if isinstance(node, yaml.SequenceNode) and name.isdigit():
            node = dict(enumerate(node.value)).get(int(name))
        else:
            node = at(node, name)
        if node is None:
            return None
    return node


def references_below(node):
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "$ref" and isinstance(value, yaml.ScalarNode):
                yield value
            else:
                yield from references_below(value)
    for item in items(node):
        yield from references_below(item)


def operations(root):
    """(path, path item, method, key node, operation) of each."""
    for path, (_, item) in members(at(root, "paths")).items():
        for method, (key, operation) in members(item).items():
            if method in METHODS:
                yield path, item, method, key, operation


def check_openapi(tree):
    """References lead somewhere and everything is used; what the document lists twice, or the code
    lists too, is the same."""
    path = tree.root / "openapi.yaml"
    try:
        root = compose(path)
    except yaml.YAMLError:
        return  # the check of YAML says so
    checks = (
        faults_of_references,
        faults_of_components,
        faults_of_tags,
        faults_of_operations,
        faults_of_scopes,
    )
    for check in checks:
        for node, reason in check(root):
            yield f"{tree.name(path)}:{line_of(node)}: {reason}"
    yield from differences(
        "the operations", {*routes_in_code(tree)}, {*routes_in_document(root)}, "src/http/routes.c"
    )
    yield from differences(
        "the problems", {*problems_in_code(tree)}, {*problems_in_document(root)}, "src/http/problems.h"
    )
    yield from differences(
        "the members", {*shapes_in_code(tree)}, {*shapes_in_document(root)}, "src/codec/shapes.c"
    )
    yield from differences(
        "the scopes",
        {*rows(tree, "src/auth/auth.h", r'ROW\(\w+,\s*"([a-z:]+)"\)', "AUTH_SCOPES")},
        {*members(at(root, "components", "securitySchemes", "bearer", "x-scopes"))},
        "src/auth/auth.h",
    )


def differences(what, in_code, in_document, source):
    for name in sorted(in_code - in_document, key=str):
        yield f"openapi.yaml:1: of {what} of {source} it lacks {name}"
    for name in sorted(in_document - in_code, key=str):
        yield f"openapi.yaml:1: of {what} it has {name}, which {source} does not have"


def faults_of_references(root):
    for reference in references_below(root):
        if not reference.value.startswith("#/"):
            yield reference, f"the reference {reference.value} leads out of the document"
        elif find_pointer(root, reference.value) is None:
            yield reference, f"the reference {reference.value} leads nowhere"


def faults_of_components(root):
    """Used is what is reached from outside of the components, also by way of other components."""
    waiting = [value for name, (_, value) in members(root).items() if name != "components"]
    reached = set()
    while waiting:
        for reference in references_below(waiting.pop()):
            target = find_pointer(root, reference.value)
            if target is not None and id(target) not in reached:
                reached.add(id(target))
                waiting.append(target)
    needed = {name for _, _, name, _ in requirements(root)}
    for kind, (_, section) in members(at(root, "components")).items():
        for name, (key, value) in members(section).items():
            is_used = name in needed if kind == "securitySchemes" else id(value) in reached
            if not is_used:
                yield key, f"nothing uses components/{kind}/{name}"


def faults_of_tags(root):
    declared = {at(tag, "name").value: tag for tag in items(at(root, "tags"))}
    used = set()
    for _, _, _, key, operation in operations(root):
        tags = items(at(operation, "tags"))
        used |= {tag.value for tag in tags}
        if len(tags) != 1:
            yield key, "an operation has one tag"
        for tag in tags:
            if tag.value not in declared:
                yield tag, f"the tag {tag.value} is not declared"
    for name, tag in declared.items():
        if name not in used:
            yield tag, f"no operation has the tag {name}"


def requirements(root):
    """(operation, node, scheme, scopes) of each security requirement's scheme."""
    for _, _, _, _, operation in operations(root):
        for requirement in items(at(operation, "security")):
            for scheme, (key, scopes) in members(requirement).items():
                yield operation, key, scheme, items(scopes)


def faults_of_scopes(root):
    for _, key, scheme, scopes in requirements(root):
        definition = at(root, "components", "securitySchemes", scheme)
        if definition is None:
            yield key, f"the security scheme {scheme} is not defined"
        for scope in scopes:
            if scope.value not in members(at(definition, "x-scopes")):
                yield scope, f"x-scopes of the security scheme {scheme} does not list {scope.value}"


def faults_of_operations(root):
    names = {}
    for path, _, method, key, operation in operations(root):
        name = at(operation, "operationId")
        for needed in ("operationId", "summary", "description", "security"):
            if at(operation, needed) is None:
                yield key, f"{method} {path} has no {needed}"
        if name is not None and names.setdefault(name.value, name) is not name:
            yield name, f"the operationId {name.value} is here twice"
        statuses = {*members(at(operation, "responses"))}
        wanted = set(ALWAYS)
        if at(operation, "requestBody") is not None:
            wanted |= WITH_BODY
        if any(members(requirement) for requirement in items(at(operation, "security"))):
            wanted |= WITH_SCOPE
        for status in sorted(wanted - statuses):
            yield key, f"{method} {path} has no response {status}"


# ---- what the code has ---------------------------------------------------------------------------


def rows(tree, name, pattern, macro=None):
    """What the pattern finds in a file of the code; only within the macro of that name, if given."""
    text = (tree.root / name).read_text(encoding="utf-8")
    if macro is not None:
        text = re.search(rf"#define {macro}\(ROW\)(?:.*\\\n)*.*", text).group()
        text = text.replace("\\\n", "\n")
    return re.findall(pattern, text, re.DOTALL)


def routes_in_code(tree):
    for method, path, name in rows(
        tree, "src/http/routes.c", r'\{"([A-Z]+)",\s*"(/[^"]*)",\s*"(\w+)"'
    ):
        yield f"{method} {path} {name}"


def routes_in_document(root):
    for path, _, method, _, operation in operations(root):
        name = at(operation, "operationId")
        yield f"{method.upper()} {path} {name.value if name else ''}"


def problems_in_code(tree):
    for slug, status in rows(
        tree, "src/http/problems.h", r'ROW\(\w+,\s*"([a-z-]+)",\s*(\d+),', "HTTP_PROBLEMS"
    ):
        yield f"{slug} {status}"


def problems_in_document(root):
    """Of the examples, as each problem has one of its name."""
    for _, example in members(at(root, "components", "examples")).values():
        kind, status = at(example, "value", "type"), at(example, "value", "status")
        if kind is not None and status is not None:
            yield f"{kind.value.removeprefix('/problems/')} {status.value}"


def shapes_in_code(tree):
    """Each member that an event is shown with, and each of a command in a list, after its name."""
    names = {}
    for file, kind in (
        ("cart/cart.h", "CART_EVENT"),
        ("cart/cart.h", "CART_COMMAND"),
        ("catalog/catalog.h", "CATALOG_EVENT"),
        ("coupon/coupon.h", "COUPON_EVENT"),
        ("customer/customer.h", "CUSTOMER_EVENT"),
    ):
        for row, name in rows(tree, f"src/{file}", r'ROW\((\w+),\s*"(\w+)"', f"{kind}S"):
            names[f"{kind}_{row}"] = name
    table = r"\n    \[(\w+)\] =(.*?\},)(?=\n    \[|\n\};)"
    for row, fields in rows(tree, "src/codec/shapes.c", table):
        if "_COMMAND_" in row and "{TYPE}" not in fields:
            continue  # a body of its own
        for name, rest in re.findall(r'\{FIELD\("(\w+)"(.*?)\},\n', fields, re.DOTALL):
            if ".is_hidden" not in rest:
                yield f"{names[row]}.{name}"


def shapes_in_document(root):
    schemas = at(root, "components", "schemas")
    data = at(schemas, "Event", "properties", "data", "description")
    text = data.value if data else ""
    for events, shown in re.findall(r"^\* ([^:]+):(.*)$", text, re.MULTILINE):
        for event in re.findall(r"`(\w+)`", events):
            for name in re.findall(r"`(\w+)`", shown):
                yield f"{event}.{name}"
    for reference in references_below(at(schemas, "Commands")):
        shape = members(at(find_pointer(root, reference.value), "properties"))
        command = at(shape.pop("type", (None, None))[1], "const")
        for name in shape:
            yield f"{command.value if command else ''}.{name}"
