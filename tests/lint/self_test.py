"""A check that can't fail is worse than none: breaks a copy of the tree in every way that the lint
tests claim to see, and wants each seen, in the file where it was planted."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import lint

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The check, the file, and what is added to its end (a new file, if there is none).
PLANTS = [
    ("rooms", "src/base/planted.c", '#include "../loop/loop.h"\n'),
    ("rooms", "src/cart/planted.c", "#include <stdio.h>\n"),
    ("rooms", "src/cart/planted.c", '#include "catalog.h"\n'),
    ("rooms", "src/loop/planted.c", '#include "postgres.h"\n'),
    ("rooms", "src/http/planted.c", '#include "eventstore.h"\n'),
    ("rooms", "src/service/planted.c", '#include "config.h"\n'),
    ("rooms", "src/service/planted.c", '  #  include <libpq-fe.h> /* hidden */\n'),
    ("rooms", "src/service/planted.c", "#include <microhttpd.h>\n"),
    ("rooms", "src/projections/planted.c", "#include <jansson.h>\n"),
    ("rooms", "src/service/planted.c", '#include "codec_json.h"\n'),
    ("rooms", "src/attic/planted.c", '#include "base.h"\n'),
    ("words", "src/service/planted.c", "void f(void) { PQclear(0); }\n"),
    ("words", "src/service/planted.c", "int f(void) { return PG_DIAG_SQLSTATE; }\n"),
    ("words", "src/service/planted.c", "int f(void) { return MHD_YES; }\n"),
    ("words", "src/http/planted.c", "int f(void) { return MHD_HTTP_NOT_FOUND; }\n"),
    ("words", "src/projections/planted.c", 'const char *s = "CREATE UNIQUE INDEX i";\n'),
    ("words", "src/projections/planted.c", 'void f(void) { strcpy(0, "/*"); } /* " */\n'),
    ("words", "src/base/planted.c", "/* TO" + "DO: later */\n"),
    ("words", "scripts/planted", "# FIX" + "ME\n"),
    ("sizes", "tests/unit/planted.c", "\n" * 601),
    ("symbols", "src/cart/planted.c", "int puts(const char *);\nint f(void) { return puts(0); }\n"),
    ("symbols", "src/catalog/planted.c", "void *malloc(unsigned long);\nvoid *f(void) { return malloc(9); }\n"),
    ("headers", "src/cart/planted.h", "size_t cart_planted(void);\n"),
    ("headers", "src/loop/planted.h", '#include "postgres.h"\n'),
    ("format", "src/base/planted.c", "int   f( void ){return 1;}\n"),
    ("scripts", "scripts/planted", '#!/bin/sh\nif [ $1 = "x" ]; then\n'),
    ("scripts", "tests/http/planted.py", "def f(:\n"),
]  # fmt: skip


def run_lint(check, root):
    program = pathlib.Path(lint.__file__)
    done = subprocess.run(
        [sys.executable, str(program), check, "--root", str(root)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def copy_tree(target):
    for name in (*lint.CODE_FOLDERS, *lint.OTHER_FILES, ".clang-format"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, target / name)


def sees(plant, root):
    """Plants, looks, and clears it away again."""
    check, name, text = plant
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    status, output = run_lint(check, root)
    path.unlink()
    if status == lint.SKIPPED:
        print(f"skipped: {output.strip()}")
        return True
    is_seen = status == 1 and any(line.startswith(name) for line in output.splitlines())
    if not is_seen:
        print(f"{check} does not see, in {name}:\n{text[:200]}\nit says: {output[:500]}")
    return is_seen


def main():
    with tempfile.TemporaryDirectory(prefix="cartd-lint-") as folder:
        root = pathlib.Path(folder) / "a tree"
        root.mkdir()
        copy_tree(root)
        verdicts = [sees(plant, root) for plant in PLANTS]
    missing = set(lint.CHECKS) - {check for check, _, _ in PLANTS}
    for check in missing:
        print(f"nothing is planted for {check}")
    print(f"{verdicts.count(True)} of {len(verdicts)} planted offences seen")
    return 0 if all(verdicts) and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
