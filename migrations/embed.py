"""Writes the migrations as one C table: embed.py OUTPUT RIGHTS SCRIPT…

RIGHTS has further GRANTs. All rights that it and the scripts grant become one more table, as rows of
SQL, by which those that are missing are found. The scripts are given in their order. Each is named NNN_what_it_does.sql, numbered from 001 without
a gap. The checksum is what sha256sum says of the file. A script that was rewritten and makes the same
schema says in a line "-- Former checksum: …" what it was applied as before.
"""

import hashlib
import os
import re
import sys


def fail(sentence):
    sys.exit("embed.py: " + sentence)


def read_script(path, version):
    name = os.path.basename(path)
    if not re.fullmatch(r"[0-9]{3}_[a-z0-9_]+\.sql", name):
        fail(name + " is not named NNN_what_it_does.sql")
    if int(name[:3]) != version:
        fail("%s is in the place of number %03d" % (name, version))
    with open(path, "rb") as file:
        content = file.read()
    if b"\0" in content:
        fail(name + " has a NUL byte")
    return name[: -len(".sql")], content


def read_rights(texts):
    """Each right as (role, table, privilege), once."""
    rights = {}
    for text in texts:
        text = re.sub(r"--.*", "", text.decode())
        for grant in re.findall(r"\b(?:GRANT|REVOKE)\b[^;]*;", text):
            found = re.fullmatch(r"GRANT ([A-Z, ]+) ON ([a-z_, ]+) TO ([a-z_]+);", grant)
            if not found:
                fail("this is not understood, so it could not be repaired: " + grant)
            privileges, tables, role = found.groups()
            for table in tables.split(", "):
                for privilege in privileges.split(", "):
                    rights[role, table, privilege] = True
    return list(rights)


def write_bytes(out, name, content):
    # An array, as no compiler needs to take a string literal of more than 4,095 characters.
    out.write("static const unsigned char %s[] = {\n" % name)
    numbers = [str(byte) for byte in content] + ["0"]
    for start in range(0, len(numbers), 24):
        out.write(",".join(numbers[start : start + 24]) + ",\n")
    out.write("};\n")


def main():
    output, rights_path, paths = sys.argv[1], sys.argv[2], sys.argv[3:]
    scripts = [read_script(path, i + 1) for i, path in enumerate(paths)]
    with open(rights_path, "rb") as file:
        rights = read_rights([content for _, content in scripts] + [file.read()])
    with open(output, "w", encoding="ascii") as out:
        out.write("/* Made from migrations/ by embed.py. */\n")
        out.write("#define EMBEDDED_NEWEST %d\n" % len(scripts))
        for i, (_, content) in enumerate(scripts):
            write_bytes(out, "script_%d" % (i + 1), content)
        out.write("static const struct migrate_script embedded_scripts[] = {\n")
        for i, (name, content) in enumerate(scripts):
            checksum = hashlib.sha256(content).hexdigest()
            former = re.search(rb"^-- Former checksum: ([0-9a-f]{64})$", content, re.MULTILINE)
            former = former.group(1).decode() if former else checksum
            row = '{%d, "%s", "%s", (const char *)script_%d, "%s"},\n'
            out.write(row % (i + 1, name, checksum, i + 1, former))
        out.write("};\n")
    with open(output.replace("scripts", "rights"), "w", encoding="ascii") as out:
        out.write("/* Made from migrations/ by embed.py. */\n")
        rows = ",".join("('%s','%s','%s')" % right for right in rights)
        write_bytes(out, "embedded_rights", rows.encode())


main()
