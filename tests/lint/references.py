"""The lint tests of documents: what is referred to must be there. A document that a comment or another
document names, a heading that it points to, a file that it links, and a section whose document is not
said or is in nobody's hands. And what docs/http.md lists must be all that there is.

A comment points to a heading as docs/http.md, "Order of checks".
"""

import bisect
import itertools
import re

import documents
import rooms

FOLDERS = (".ci", "bench", "clients", "deploy", "docs", "migrations", "scripts", "src", "tests")
SUFFIXES = {
    ".build", ".c", ".cfg", ".h", ".js", ".md", ".py", ".sh", ".sql", ".toml", ".ts", ".txt", ".yaml", ".yml", "",
}  # fmt: skip
# They plant what is to be seen, or say what it looks like.
LEFT_OUT = ("tests/lint/self_test.py", "tests/lint/references.py", "tests/fuzz/corpus/")

DOCUMENT = re.compile(r'(?<![\w.\-/])((?:[\w.\-]+/)*[\w\-]+\.md)\b(?:, "([^"]{3,60})")?')
# Documents of the first days, which are in no repository.
GONE = re.compile(r"\b(?:DESIGN|ASVS)\b|\bAPI['’]?s?,? sections?\b")
SECTION = re.compile(r"\bsections? \d")
# Whose sections anybody can look up; the name stands shortly before.
STANDARD = re.compile(r"\b(?:RFC|WHATWG|Fetch|W3C|Trace Context|Baggage|ECMA-\d+|YAML)\b|§")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Of a path the part before a placeholder must be there.
PATH = re.compile(r"`((?:bench|deploy|docs|migrations|scripts|src|tests)/[\w./\-]*)")
TEST_MODULE = re.compile(r"`(test_\w+\.py)`")
# What /metrics prints, as documents and deploy/ name it; the two roles in PostgreSQL are called alike.
METRIC = re.compile(r"\bcartd_(?!app\b|reader\b|relay\b)[a-z_]+")
# Before a line of a comment goes on.
CONTINUED = re.compile(r"^\s*(?:\*(?!/)|#|--|//)?\s*")


def text_files(tree):
    for path in [*sorted(tree.root.iterdir()), *tree.files(*FOLDERS)]:
        if not path.is_file() or path.suffix not in SUFFIXES:
            continue
        if not tree.name(path).startswith(LEFT_OUT):
            yield path


def read(path):
    """None for what is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def headings(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return [line.lstrip("#").strip() for line in text.splitlines() if re.match(r"#+ ", line)]


def anchor(heading):
    """As GitHub makes it."""
    slug = re.sub(r"[^\w\- ]", "", heading.lower())
    return slug.replace(" ", "-")


class Flat:
    """The text with comments that go on in the next line on one line."""

    def __init__(self, text):
        lines = [CONTINUED.sub("", line).rstrip().removesuffix("*/") for line in text.splitlines()]
        self.text = " ".join(lines)
        self.begins = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))

    def line_of(self, offset):
        """The number of the line that a offset of the text is from."""
        return bisect.bisect_right(self.begins, offset)


def find_document(tree, path, name):
    for folder in (path.parent, tree.root, tree.root / "docs"):
        if (folder / name).is_file():
            return folder / name
    return None


def check_documents(tree):
    """What is referred to is there."""
    for path in text_files(tree):
        text = read(path)
        if text is None:
            continue
        for number, reason in faults_of_text(tree, path, text):
            yield f"{tree.name(path)}:{number}: {reason}"
    yield from rooms_left_out(tree)
    yield from unknown_metrics(tree)
    yield from faults_of_contract_in_short(tree)


def unknown_metrics(tree):
    """Whoever alerts on a metric that is not there is never alerted."""
    known = set()
    for name in ("metrics/metrics.h", "relay/page.c"):
        path = tree.root / "src" / name
        if path.exists():
            known.update(METRIC.findall(path.read_text(encoding="utf-8")))
    for path in [*tree.root.glob("*.md"), *tree.files("deploy", "docs")]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for name in METRIC.findall(line):
                if re.sub(r"_(bucket|sum|count)$", "", name) not in known:
                    yield f"{tree.name(path)}:{number}: there is no metric {name}"


def faults_of_text(tree, path, text):
    flat = Flat(text)
    for match in DOCUMENT.finditer(flat.text):
        name, heading = match.groups()
        document = find_document(tree, path, name)
        if document is None:
            yield flat.line_of(match.start()), f"there is no document {name}"
        elif heading is not None and path.suffix != ".md" and heading not in headings(document):
            yield flat.line_of(match.start()), f"{name} has no heading {heading!r}"
    for match in GONE.finditer(flat.text):
        yield flat.line_of(match.start()), f"{match.group()} is in no document of the repository"
    for match in SECTION.finditer(flat.text):
        if not STANDARD.search(flat.text[max(0, match.start() - 40) : match.start()]):
            yield flat.line_of(match.start()), f"{match.group()}… of which standard? name a heading of docs/"
    if path.suffix == ".md":
        yield from faults_of_document(tree, path, text)


def faults_of_document(tree, path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for target in LINK.findall(line):
            reason = fault_of_link(path, target)
            if reason is not None:
                yield number, reason
        for name in PATH.findall(line):
            if not any((tree.root / (name + end)).exists() for end in ("", ".c")):  # a program's source
                yield number, f"there is no {name}"
        for name in TEST_MODULE.findall(line):
            if not (tree.root / "tests" / "http" / name).is_file():
                yield number, f"there is no test module {name}"


def fault_of_link(path, target):
    if "://" in target:
        return None
    name, _, fragment = target.partition("#")
    document = path if name == "" else path.parent / name
    if not document.exists():
        return f"the link {target} leads nowhere"
    if fragment and fragment not in [anchor(heading) for heading in headings(document)]:
        return f"the link {target} leads to no heading"
    return None


def rooms_left_out(tree):
    """docs/design.md lists every room."""
    document = tree.root / "docs" / "design.md"
    words = set(re.findall(r"`(\w+)`", document.read_text(encoding="utf-8")))
    for room in sorted(rooms.ROOMS):
        if room != "" and room not in words:
            yield f"docs/design.md:1: it does not say what the room {room} is for"


def faults_of_contract_in_short(tree):
    """docs/http.md has each operation in its table, and each type of the commands in a list."""
    text = (tree.root / "docs" / "http.md").read_text(encoding="utf-8")
    table = text.partition("\n## ")[0]
    types = re.search(r"^The types are ((?:.+\n)+)", text, re.M)
    routes = documents.rows(tree, "src/http/routes.c", r'\{"([A-Z]+)",\s*"(/[^"]*)"')
    names = dict(documents.rows(tree, "src/cart/cart.h", r'ROW\((\w+),\s*"(\w+)"', "CART_COMMANDS"))
    in_lists = documents.rows(tree, "src/codec/shapes.c", r"\[CART_COMMAND_(\w+)\] =\s*\{\s*\{TYPE\}")
    for what, there, said in (
        ("request", {" ".join(route) for route in routes}, re.findall(r"`([A-Z]+ /[^`]*)`", table)),
        (
            "type of a command",
            {names[row] for row in in_lists},
            re.findall(r"`(\w+)`", types.group(1).partition(", with")[0]) if types else [],
        ),
    ):
        there, said = without_parameters(there), without_parameters(said)
        for name in sorted(there ^ said):
            yield f"docs/http.md:1: {'it lacks' if name in there else 'there is no'} {what} {name}"


def without_parameters(names):
    return {re.sub(r"\{\w+\}", "{}", name) for name in names}
