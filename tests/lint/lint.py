"""The lint tests: what the compiler does not see of the house's order.

    lint.py CHECK… [--root DIRECTORY]

Prints every offence as path:line: sentence. The status is 1 if there were any and 77, which meson
takes for "skipped", if a check can't be made here.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import circles
import documents
import references
import rooms

SKIPPED = 77
CODE_FOLDERS = ("src", "tests", "bench", "migrations", "scripts", ".ci")
OTHER_FILES = ("Dockerfile", "meson.build")


def c_without_comments(text):
    """Comments become blanks; lines stay where they were. Strings and characters are kept."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match.group()
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found

    return token.sub(blank, text)


def room_of(path, root):
    parts = path.relative_to(root / "src").parts
    return parts[0] if len(parts) > 1 else ""


class Tree:
    """The files that belong to the repository, without asking git: a tree may come without it."""

    def __init__(self, root):
        self.root = root

    def files(self, *folders):
        for folder in folders:
            for directory, names, files in os.walk(self.root / folder):
                names[:] = sorted(name for name in names if name not in ("__pycache__", "node_modules"))
                for name in sorted(files):
                    yield pathlib.Path(directory) / name

    def c_files(self, *folders):
        return [path for path in self.files(*folders) if path.suffix in (".c", ".h")]

    def text_files(self):
        for path in self.files(*CODE_FOLDERS):
            if path.suffix in (".c", ".h", ".py", ".sh", ".sql", ".build", ""):
                yield path
        for name in OTHER_FILES:
            if (self.root / name).exists():
                yield self.root / name

    def written_files(self):
        """What people read: the text files, and the documents."""
        yield from self.text_files()
        yield from self.files("deploy", "docs")
        for pattern in ("*.md", "*.yaml", "*.yml"):
            yield from sorted(self.root.glob(pattern))

    def name(self, path):
        return str(path.relative_to(self.root))


def check_rooms(tree):
    """Includes: of the own room, of rooms that are allowed, of libraries that belong to the room."""
    for path in tree.c_files("src", "tests", "bench"):
        text = c_without_comments(path.read_text(encoding="utf-8"))
        is_source = path.is_relative_to(tree.root / "src")
        for number, line in enumerate(text.splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            location = f"{tree.name(path)}:{number}"
            kind, header = match.groups()
            if header.startswith("../") or "/../" in header:
                yield f"{location}: an include path climbs out of its room: {header}"
            elif is_source:
                reason = refused_include(tree, path, kind, header)
                if reason:
                    yield f"{location}: {reason}"


def refused_include(tree, path, kind, header):
    """Why a file of src/ may not include this header; None if it may."""
    room = room_of(path, tree.root)
    if room not in rooms.ROOMS:
        return f"the room {room}/ is not in the table of tests/lint/rooms.py"
    if kind == "<":
        if room in rooms.CORE and header not in rooms.CORE_HEADERS:
            return f"{room}/ is of the core and may not include <{header}>"
        for beginning, owners in rooms.LIBRARIES.items():
            if header.startswith(beginning) and room not in owners:
                return f"<{header}> does not belong to {room or 'main.c'}/"
        return None
    own = [path.parent / header, tree.root / "src" / room / header]
    if header in rooms.GENERATED.get(room, ()) or any(location.exists() for location in own):
        return None
    other = header.removesuffix(".h")
    if other not in rooms.ROOMS:
        return f'"{header}" is no public header of a room and not in {room}/'
    if other not in rooms.ROOMS[room]:
        return f"{room or 'main.c'} may not use {other}/"
    return None


def check_circles(tree):
    """Files of a room that call each other in a circle can only be understood together."""
    for room in sorted(rooms.ROOMS):
        sources = {
            tree.name(path): c_without_comments(path.read_text(encoding="utf-8"))
            for path in tree.c_files(f"src/{room}" if room else "src")
            if path.suffix == ".c" and room_of(path, tree.root) == room
        }
        most = rooms.LARGER_CIRCLES.get(room, rooms.MOST_IN_CIRCLE)
        for circle in circles.circles(sources):
            if len(circle) > most:
                for name in sorted(circle):
                    others = ", ".join(sorted(circle - {name}))
                    yield f"{name}:1: calls in a circle, which may have {most} files, with {others}"


def check_words(tree):
    """Words that belong to one room, and words that belong nowhere."""
    for path in tree.c_files("src"):
        text = c_without_comments(path.read_text(encoding="utf-8"))
        inside = str(path.relative_to(tree.root / "src"))
        for pattern, home, reason in rooms.WORDS:
            if re.match(home, inside):
                continue
            for match in re.finditer(pattern, text):
                number = text.count("\n", 0, match.start()) + 1
                yield f"{tree.name(path)}:{number}: {reason}: {match.group().strip()}"
    for path in tree.text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(rooms.UNFINISHED, line):
                yield f"{tree.name(path)}:{number}: unfinished work does not land: {line.strip()}"
    for path in tree.written_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(rooms.GENDERED, line):
                yield f"{tree.name(path)}:{number}: say they, the client, the caller: {line.strip()}"


def check_sizes(tree):
    for path in tree.text_files():
        n_lines = len(path.read_text(encoding="utf-8").splitlines())
        if n_lines > rooms.MOST_LINES:
            yield (
                f"{tree.name(path)}:{n_lines}: more than {rooms.MOST_LINES} lines; "
                "it has more than one subject"
            )


def compiler():
    return os.environ.get("CC") or shutil.which("cc") or "gcc"


def compile_c(path, include_folders, *options):
    command = [compiler(), "-std=gnu17", "-D_GNU_SOURCE", "-fstack-protector-strong", *options]
    for folder in include_folders:
        command += ["-I", str(folder)]
    return subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)


def check_symbols(tree):
    """The core leaves nothing undefined but what rooms.CORE_SYMBOLS lists: so it can't do I/O, ask
    the clock or take memory, whatever it includes."""
    with tempfile.TemporaryDirectory() as folder:
        for room in sorted(rooms.CORE):
            yield from undefined_symbols(tree, room, pathlib.Path(folder))


def undefined_symbols(tree, room, folder):
    defined, wanted = set(), {}
    others = sorted({*rooms_in_sight(room)} & rooms.CORE)
    sources = sorted((tree.root / "src" / room).glob("**/*.c"))
    if not sources:
        yield f"src/{room}:1: the core has no source here"
    for source in sources:
        target = folder / f"{room}-{source.stem}.o"
        folders = [source.parent, *(tree.root / "src" / other for other in others)]
        done = compile_c(source, folders, "-O2", "-c", "-o", str(target))
        if done.returncode != 0:
            yield f"{tree.name(source)}:1: does not compile with its rooms alone: {done.stderr}"
            continue
        listing = subprocess.run(["nm", str(target)], capture_output=True, text=True, check=True)
        for line in listing.stdout.splitlines():
            kind, symbol = line.split()[-2:]
            if kind in "Uw":
                wanted.setdefault(symbol, tree.name(source))
            else:
                defined.add(symbol)
    for symbol, name in sorted(wanted.items()):
        if symbol not in defined | rooms.CORE_SYMBOLS and symbol.split("_")[0] not in others:
            yield f"{name}:1: the core may not call {symbol}"


def rooms_in_sight(room):
    """Those that it may use, and what their headers bring along."""
    found = set()
    waiting = set(rooms.ROOMS.get(room, ()))
    while waiting:
        other = waiting.pop()
        found.add(other)
        waiting |= rooms.ROOMS[other] - found
    return sorted(found)


def library_flags():
    done = subprocess.run(
        ["pkg-config", "--cflags", "libpq", "libmicrohttpd", "jansson", "nettle"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


def check_headers(tree):
    """Each header compiles alone, with no more rooms in sight than its own may use."""
    flags = library_flags()
    for path in tree.c_files("src"):
        if path.suffix == ".h":
            room = room_of(path, tree.root)
            others = [tree.root / "src" / name for name in rooms_in_sight(room)]
            folders = [path.parent, tree.root / "src" / room, *others]
            done = compile_c(path, folders, *flags, "-Wall", "-Wextra", "-Werror",
                             "-Wno-unused-function", "-fsyntax-only", "-x", "c")  # fmt: skip
            if done.returncode != 0:
                yield f"{tree.name(path)}:1: does not compile alone: {done.stderr}"


def check_format(tree):
    if shutil.which("clang-format") is None:
        raise CannotBeMade("clang-format is not installed")
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True)
    number = re.search(r"version (\d+)", version.stdout).group(1)
    if number != rooms.CLANG_FORMAT_VERSION:
        raise CannotBeMade(f"clang-format is {number}; {rooms.CLANG_FORMAT_VERSION} decides")
    files = [str(path) for path in tree.c_files("src", "tests", "bench")]
    style = f"--style=file:{tree.root / '.clang-format'}"
    done = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", style, *files],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = {}
    for name, number in re.findall(r"^(.*?):(\d+):\d+: error: ", done.stderr, re.M):
        lines.setdefault(tree.name(pathlib.Path(name)), []).append(number)
    for name, numbers in lines.items():
        yield f"{name}:{numbers[0]}: not laid out as .clang-format says, in {len(numbers)} places"
    if done.returncode != 0 and " error: " not in done.stderr:
        yield f".clang-format:1: {done.stderr}"


def check_scripts(tree):
    """Shell scripts as shellcheck wants them; Python that parses."""
    shells = []
    for path in tree.text_files():
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            try:
                compile(text, str(path), "exec")
            except SyntaxError as problem:
                yield f"{tree.name(path)}:{problem.lineno}: {problem.msg}"
        elif re.match(r"#!.*\b(ba)?sh\b", text) or path.suffix == ".sh":
            shells.append(path)
    if shutil.which("shellcheck") is None:
        raise CannotBeMade("shellcheck is not installed")
    done = subprocess.run(
        ["shellcheck", "--severity=warning", "--external-sources", "--format=gcc", *map(str, shells)],
        capture_output=True, text=True, check=False, cwd=tree.root,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        yield line.removeprefix(f"{tree.root}/")
    if done.returncode > 1:
        yield f"scripts:1: shellcheck: {done.stderr}"


def of_yaml(check):
    def made(tree):
        if not documents.is_available():
            raise CannotBeMade("python3-yaml is not installed")
        return check(tree)

    return made


class CannotBeMade(Exception):
    """A check that this machine has no tool for."""


CHECKS = {
    "rooms": check_rooms,
    "circles": check_circles,
    "words": check_words,
    "sizes": check_sizes,
    "symbols": check_symbols,
    "headers": check_headers,
    "format": check_format,
    "scripts": check_scripts,
    "documents": references.check_documents,
    "yaml": of_yaml(documents.check_yaml),
    "openapi": of_yaml(documents.check_openapi),
}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("checks", nargs="*", metavar="CHECK", help=", ".join(CHECKS))
    arguments.add_argument(
        "--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2]
    )
    options = arguments.parse_args()
    status = 0
    for name in options.checks or CHECKS:
        try:
            offences = list(CHECKS[name](Tree(options.root.resolve())))
        except CannotBeMade as reason:
            print(f"{name}: skipped, {reason}")
            status = status or SKIPPED
            continue
        for offence in offences:
            print(offence)
        if offences:
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
