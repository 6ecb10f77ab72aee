"""Makes the C file with what browsers get, plain and compressed.

Usage: make.py OUTPUT.c FILE…

An HTML file is a page and is served at its name: shop.html at /shop, index.html at /. In it
`<!-- nav.part -->` becomes what that file says, as all pages share it. Other files are served below
/pages/, openapi.yaml at its own name.
"""

import gzip
import hashlib
import pathlib
import sys

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


def content_of(file, parts):
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".html":
        return text.encode()
    for part in parts:
        text = text.replace(f"<!-- {part.name} -->", part.read_text(encoding="utf-8").strip())
    own_link = f'<a href="{path_of(file)}">'
    return text.replace(own_link, own_link.replace(">", ' aria-current="page">')).encode()


def c_array(name, content):
    """Numbers, not a string literal: compilers need not take literals of more than 4,095 bytes."""
    lines = [f"static const char {name}[] = {{"]
    for start in range(0, len(content), 20):
        numbers = (str(b if b < 128 else b - 256) for b in content[start : start + 20])
        lines.append(f"    {', '.join(numbers)},")
    return "\n".join([*lines, "};", ""])


def main():
    output, *names = sys.argv[1:]
    files = sorted(pathlib.Path(name) for name in names)
    parts = [file for file in files if file.suffix == ".part"]
    arrays, rows = [], []
    for number, file in enumerate(file for file in files if file not in parts):
        content = content_of(file, parts)
        etag = hashlib.sha256(content).hexdigest()[:16]
        arrays.append(c_array(f"plain_{number}", content))
        arrays.append(c_array(f"gzip_{number}", gzip.compress(content, 9, mtime=0)))
        rows.append(
            f'    {{.path = "{path_of(file)}", .media = "{MEDIA[file.suffix]}", .etag = "W/\\"{etag}\\"",\n'
            f"     .plain = {{plain_{number}, sizeof(plain_{number})}},\n"
            f"     .gzip = {{gzip_{number}, sizeof(gzip_{number})}}}},"
        )
    with open(output, "w", encoding="ascii") as out:
        out.write('#include "files.h"\n\n' + "\n".join(arrays))
        out.write("\nconst struct pages_file pages_files[] = {\n" + "\n".join(rows) + "\n};\n")
        out.write("const size_t pages_files_count = sizeof(pages_files) / sizeof(pages_files[0]);\n")


main()
