"""Makes the C file with what browsers get, plain and compressed.

Usage: make.py OUTPUT.c FILE…

An HTML file is a page and is served at its name: shop.html at /shop, index.html at /. In it
`<!-- nav.part -->` becomes what that file says, as all pages share it; what is made of openapi.yaml
is put in likewise. problem.part is filled once for each problem. Other files are served below
/pages/, openapi.yaml at its own name.
"""

import gzip
import hashlib
import pathlib
import sys

sys.dont_write_bytecode = True  # the tree of the sources stays as it is
import reference

MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}


def path_of(file):
    if file.suffix == ".html":
        return "/" if file.stem == "index" else f"/{file.stem}"
    return f"/{file.name}" if file.suffix == ".yaml" else f"/pages/{file.name}"


def fill(text, parts):
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def pages_of(files):
    """(path, suffix, content) of everything that is served."""
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    api = reference.read(next(file for file in files if file.name == "openapi.yaml"))
    parts = {file.name: text.strip() for file, text in texts.items() if file.suffix == ".part"}
    problem = parts.pop("problem.part")
    parts |= api.parts()
    for file, text in texts.items():
        if file.suffix == ".html":
            own_link = f'<a href="{path_of(file)}">'
            current = own_link.replace(">", ' aria-current="page">')
            yield path_of(file), file.suffix, fill(text, parts).replace(own_link, current)
        elif file.suffix != ".part":
            yield path_of(file), file.suffix, text
    for slug in api.problems:
        yield f"/problems/{slug}", ".html", fill(problem, parts | api.problem_parts(slug))


def c_array(name, content):
    """Numbers, not a string literal: compilers need not take literals of more than 4,095 bytes."""
    lines = [f"static const char {name}[] = {{"]
    for start in range(0, len(content), 20):
        numbers = (str(b if b < 128 else b - 256) for b in content[start : start + 20])
        lines.append(f"    {', '.join(numbers)},")
    return "\n".join([*lines, "};", ""])


def main():
    output, *names = sys.argv[1:]
    arrays, rows = [], []
    for number, (path, suffix, text) in enumerate(pages_of(sorted(map(pathlib.Path, names)))):
        content = text.encode()
        etag = hashlib.sha256(content).hexdigest()[:16]
        arrays.append(c_array(f"plain_{number}", content))
        arrays.append(c_array(f"gzip_{number}", gzip.compress(content, 9, mtime=0)))
        rows.append(
            f'    {{.path = "{path}", .media = "{MEDIA[suffix]}", .etag = "W/\\"{etag}\\"",\n'
            f"     .plain = {{plain_{number}, sizeof(plain_{number})}},\n"
            f"     .gzip = {{gzip_{number}, sizeof(gzip_{number})}}}},"
        )
    with open(output, "w", encoding="ascii") as out:
        out.write('#include "files.h"\n\n' + "\n".join(arrays))
        out.write("\nconst struct pages_file pages_files[] = {\n" + "\n".join(rows) + "\n};\n")
        out.write("const size_t pages_files_count = sizeof(pages_files) / sizeof(pages_files[0]);\n")


if __name__ == "__main__":
    main()
