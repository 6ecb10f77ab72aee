"""A check that can't fail is worse than none: breaks a copy of the tree in every way that a check of
lint.py claims to see, and wants each seen, in the file where it was planted.

    self_test.py CHECK
"""

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
    ("circles", "src/http/planted.c", "bool http_may(void)\n{\n    return http_check_request(0);\n}\n"),
    ("words", "src/service/planted.c", "void f(void) { PQclear(0); }\n"),
    ("words", "src/service/planted.c", "int f(void) { return PG_DIAG_SQLSTATE; }\n"),
    ("words", "src/service/planted.c", "int f(void) { return MHD_YES; }\n"),
    ("words", "src/http/planted.c", "int f(void) { return MHD_HTTP_NOT_FOUND; }\n"),
    ("words", "src/projections/planted.c", 'const char *s = "CREATE UNIQUE INDEX i";\n'),
    ("words", "src/projections/planted.c", 'void f(void) { strcpy(0, "/*"); } /* " */\n'),
    ("words", "src/base/planted.c", "/* TO" + "DO: later */\n"),
    ("words", "scripts/planted", "# FIX" + "ME\n"),
    ("words", "src/base/planted.c", "/* The client gets what H" + "e asked for. */\n"),
    ("words", "docs/planted.md", "The caller and hi" + "s carts.\n"),
    ("words", "planted.yaml", "a: sent to hi" + "m\n"),
    ("sizes", "tests/unit/planted.c", "\n" * 601),
    ("symbols", "src/cart/planted.c", "int puts(const char *);\nint f(void) { return puts(0); }\n"),
    ("symbols", "src/catalog/planted.c", "void *malloc(unsigned long);\nvoid *f(void) { return malloc(9); }\n"),
    ("headers", "src/cart/planted.h", "size_t cart_planted(void);\n"),
    ("headers", "src/loop/planted.h", '#include "postgres.h"\n'),
    ("format", "src/base/planted.c", "int   f( void ){return 1;}\n"),
    ("scripts", "scripts/planted", '#!/bin/sh\nif [ $1 = "x" ]; then\n'),
    ("scripts", "tests/http/planted.py", "def f(:\n"),
    ("documents", "src/base/planted.c", "/* As ANY" + "WHERE.md says. */\n"),
    ("documents", "src/base/planted.c", "/* docs/nowhere" + ".md has it. */\n"),
    ("documents", "src/base/planted.c", '/* docs/http.md, "Order of\n * dances". */\n'),
    ("documents", "src/base/planted.c", "/* In the order of API\n * section 6. */\n"),
    ("documents", "tests/unit/planted.c", "/* RFC 9110 is long. This comment goes on, and on: see also section 3. */\n"),
    ("documents", "tests/http/planted.py", '"""As DES' + 'IGN has it."""\n'),
    ("documents", "migrations/planted.sql", "-- AS" + "VS 4.1\n"),
    ("documents", "planted.yaml", "a: what NO" + "TES.md says\n"),
    ("documents", "docs/planted.md", "[there](nowhere.md)\n"),
    ("documents", "docs/planted.md", "[there](http.md#nowhere)\n"),
    ("documents", "planted.md", "[there](docs/http.md#order-of-dances)\n"),
    ("documents", "docs/planted.md", "`src/cart/nowhere.c`\n"),
    ("documents", "docs/planted.md", "`test_nothing.py`\n"),
    ("documents", "deploy/planted.yml", "a: cartd_commands_done > 1\n"),
    ("yaml", "planted.yaml", "a: 1\nb: 2\na: 3\n"),
    ("yaml", "planted.yml", "a: {b: 1, 'b': 2}\n"),
    ("yaml", "deploy/planted.yaml", "a: {description: pages, and streams}\n"),
    ("yaml", "tests/planted.yaml", "a: [carts:all]\n"),
    ("yaml", "tests/.planted.yaml", "a: off\n"),
    ("yaml", "planted.yaml", "a: 2026-11-23\n"),
    ("yaml", "planted.yaml", "a: 0700\n"),
    ("yaml", "planted.yaml", "a: 0777_000\n"),
    ("yaml", "planted.yaml", "a: 1e5\n"),
    ("yaml", "planted.yaml", "? [a]\n: 1\n"),
    ("yaml", "planted.yaml", "a: [\n"),
]  # fmt: skip

# What openapi.yaml has, what stands there instead, and the sentence that must be said of it.
CHANGES = [
    ("schemas/CartList'", "schemas/Carts'", "the reference #/components/schemas/Carts leads nowhere"),
    ("'#/components/schemas/CartList'", "cart.yaml", "the reference cart.yaml leads out of"),
    ("\n  schemas:\n", "\n  schemas:\n    Coins: {}\n", "nothing uses components/schemas/Coins"),
    (
        "\n  schemas:\n",
        "\n  schemas:\n    Coins: {items: {$ref: '#/components/schemas/Coins'}}\n",
        "nothing uses components/schemas/Coins",
    ),
    ("\n    cartToken:\n", "\n    other: {}\n    cartToken:\n", "nothing uses components/securitySchemes/other"),
    ("{cartToken: []}", "{cookie: []}", "the security scheme cookie is not defined"),
    ("[{bearer: [catalog]}]", "[{bearer: [products]}]", "does not list products"),
    ("tags: [catalogue]", "tags: [products]", "the tag products is not declared"),
    ("tags: [catalogue]", "tags: [catalogue, carts]", "an operation has one tag"),
    ("\ntags:\n", "\ntags:\n  - {name: spare}\n", "no operation has the tag spare"),
    ("operationId: listCarts", "operationId: getCart", "the operationId getCart is here twice"),
    ("      operationId: listCarts\n", "", "get /carts has no operationId"),
    ("        '406': {$ref: '#/components/responses/NotAcceptable'}\n", "", "has no response 406"),
    ("        '403': {$ref: '#/components/responses/Forbidden'}\n", "", "has no response 403"),
    ("        '413': {$ref: '#/components/responses/BodyTooLarge'}\n", "", "has no response 413"),
    ("operationId: getLivez", "operationId: getAlive", "lacks GET /livez getLivez"),
    ("operationId: getLivez", "operationId: getAlive", "it has GET /livez getAlive"),
    ("`quantity` (added)", "`number`", "it lacks ItemAdded.quantity"),
    ("`customer_id` (or null)", "`owner`", "of the members it has CartCreated.owner"),
    ("type: {const: remove_item}\n        item_id: ", "type: {const: remove_item}\n        id: ", "it lacks remove_item.item_id"),
    ("\n        'reports': ", "\n        'report': ", "of the scopes of src/auth/auth.h it lacks reports"),
    ("/problems/cart-full\"", "/problems/cart-fuller\"", "it has cart-fuller 409"),
    ("/problems/cart-full\"", "/problems/cart-fuller\"", "it lacks cart-full 409"),
]  # fmt: skip


# What a document has, what stands there instead, and the sentence that must be said of it.
DOCUMENT_CHANGES = [
    ("docs/http.md", "## Order of checks", "## Checks", "docs/http.md has no heading 'Order of checks'"),
    ("docs/production.md", "## Limits", "## Bounds", "the link production.md#limits leads to no heading"),
    ("docs/http.md", "`DELETE /coupons/{code}`", "`DELETE …`", "it lacks request DELETE /coupons/{}"),
    ("docs/http.md", "`POST /carts/{id}/cancel`", "`POST /carts/{id}/end`", "there is no request POST /carts/{}/end"),
    ("docs/http.md", "`remove_total`, ", "", "it lacks type of a command remove_total"),
    ("docs/design.md", "| `audit` |", "| audit |", "it does not say what the room audit is for"),
]

# What is referred to rightly, on one line or on two.
RIGHT = """/* RFC 9110,
 * section 10.1.1; docs/http.md, "Order
 * of checks"; bench/NOTES.md; YAML 1.2.2, section 10.3.2; API of the service. */
"""


def run_lint(check, root):
    program = pathlib.Path(lint.__file__)
    done = subprocess.run(
        [sys.executable, str(program), check, "--root", str(root)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def copy_tree(target):
    others = (".clang-format", "clients", "deploy", "docs", "docker-compose.yml", "openapi.yaml", "LICENSE")
    documents = [path.name for path in ROOT.glob("*.md")]
    for name in (*lint.CODE_FOLDERS, *lint.OTHER_FILES, *others, *documents):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
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


def sees_change(change, root):
    """Changes openapi.yaml of the copy, looks, and puts it back."""
    old, new, sentence = change
    path = root / "openapi.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    status, output = run_lint("openapi", root)
    path.write_text(text, encoding="utf-8")
    if status == lint.SKIPPED:
        print(f"skipped: {output.strip()}")
        return True
    said = [line for line in output.splitlines() if line.startswith("openapi.yaml:")]
    is_seen = status == 1 and old in text and any(sentence in line for line in said)
    if not is_seen:
        print(f"openapi does not say {sentence!r} of {old!r} as {new!r}; it says: {output[:500]}")
    return is_seen


def sees_document_change(change, root):
    """Changes a document of the copy, looks, and puts it back."""
    name, old, new, sentence = change
    path = root / name
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    status, output = run_lint("documents", root)
    path.write_text(text, encoding="utf-8")
    is_seen = status == 1 and old in text and sentence in output
    if not is_seen:
        print(f"documents does not say {sentence!r} of {name}; it says: {output[:500]}")
    return is_seen


def has_no_complaint(check, root):
    """As a check that always complains sees everything."""
    status, output = run_lint(check, root)
    if status == 1:
        print(f"{check} complains of the tree as it is: {output[:500]}")
    return status != 1


def main(check):
    with tempfile.TemporaryDirectory(prefix="cartd-lint-") as folder:
        root = pathlib.Path(folder) / "a tree"
        root.mkdir()
        copy_tree(root)
        right = root / "src" / "base" / "planted.c"
        right.write_text(RIGHT, encoding="utf-8")
        verdicts = []
        if check in ("yaml", "openapi", "documents"):
            verdicts.append(has_no_complaint(check, root))
        right.unlink()
        verdicts += [sees(plant, root) for plant in PLANTS if plant[0] == check]
        if check == "openapi":
            verdicts += [sees_change(change, root) for change in CHANGES]
        if check == "documents":
            verdicts += [sees_document_change(change, root) for change in DOCUMENT_CHANGES]
    missing = set(lint.CHECKS) - {planted for planted, _, _ in PLANTS} - {"openapi"}
    for name in missing:
        print(f"nothing is planted for {name}")
    print(f"{verdicts.count(True)} of {len(verdicts)} verdicts are right")
    return 0 if verdicts and all(verdicts) and not missing else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
