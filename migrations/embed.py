"""Writes the migrations as C: embed.py OUTPUT RIGHTS SCRIPT…

The scripts become one table, in their order. Each is named NNN_what_it_does.sql, numbered from 001
without a gap; its checksum is what sha256sum says of the file. The rights that RIGHTS grants become
rows of SQL, by which those that are missing are found.
"""

import hashlib
import os
import re
import sys


def fail(sentence):
    sys.exit("embed.py: " + sentence)


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    if b"\0" in content:
        fail(path + " has a NUL byte")
    return content


def read_script(path, version):
    name = os.path.basename(path)
    if not re.fullmatch(r"[0-9]{3}_[a-z0-9_]+\.sql", name):
        fail(name + " is not named NNN_what_it_does.sql")
    if int(name[:3]) != version:
        fail("%s is listed as number %03d" % (name, version))
    return name[: -len(".sql")], read(path)


def read_rights(text):
    """Each right as (role, table, privilege)."""
    rights = []
    text = re.sub(r"--.*", "", text)
    for statement in filter(None, map(str.strip, text.split(";"))):
        found = re.fullmatch(r"GRANT ([A-Z, ]+) ON ([a-z_, ]+) TO ([a-z_]+)", statement)
        if not found:
            fail("this is no GRANT of rights on tables to a role: " + statement)
        privileges, tables, role = found.groups()
        rights += [
            (role, table, privilege)
            for table in tables.split(", ")
            for privilege in privileges.split(", ")
        ]
    return rights


def find_tables(content):
    return re.findall(r"^CREATE TABLE ([a-z_]+) ", content.decode(), re.MULTILINE)


def write_bytes(out, name, content):
    # An array, as no compiler needs to take a string literal of more than 4,095 characters.
    out.write("static const unsigned char %s[] = {\n" % name)
    numbers = [str(byte) for byte in content] + ["0"]
    for start in range(0, len(numbers), 24):
        out.write(",".join(numbers[start : start + 24]) + ",\n")
    out.write("};\n")


def main():
    output, rights_path, *paths = sys.argv[1:]
    scripts = [read_script(path, i + 1) for i, path in enumerate(paths)]
    rights = read_rights(read(rights_path).decode())
    checksums = [hashlib.sha256(content).hexdigest() for _, content in scripts]
    tables = [table for _, content in scripts for table in find_tables(content)]
    with open(output, "w", encoding="ascii") as out:
        out.write("/* Made from migrations/ by embed.py. */\n")
        for i, (_, content) in enumerate(scripts):
            write_bytes(out, "script_%d" % (i + 1), content)
        out.write("static const struct migrate_script embedded_scripts[] = {\n")
        for i, (name, _) in enumerate(scripts):
            row = '{"%s", "%s", (const char *)script_%d},\n'
            out.write(row % (name, checksums[i], i + 1))
        out.write("};\n")
        out.write('#define EMBEDDED_NEWEST "%d"\n' % len(scripts))
        out.write('#define EMBEDDED_NEWEST_CHECKSUM "%s"\n' % checksums[-1])
        out.write('#define EMBEDDED_TABLES "%s"\n' % ", ".join("'%s'" % table for table in tables))
        rows = ",".join("('%s','%s','%s')" % right for right in rights)
        write_bytes(out, "embedded_rights", rows.encode())


main()
