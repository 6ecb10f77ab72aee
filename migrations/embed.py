"""Writes the migrations as one C table: embed.py OUTPUT SCRIPT…

The scripts are given in their order. Each is named NNN_what_it_does.sql, numbered from 001 without
a gap. The checksum is what sha256sum says of the file.
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


def write_bytes(out, version, content):
    # An array, as no compiler needs to take a string literal of more than 4,095 characters.
    out.write("static const unsigned char script_%d[] = {\n" % version)
    numbers = [str(byte) for byte in content] + ["0"]
    for start in range(0, len(numbers), 24):
        out.write(",".join(numbers[start : start + 24]) + ",\n")
    out.write("};\n")


def main():
    output, paths = sys.argv[1], sys.argv[2:]
    scripts = [read_script(path, i + 1) for i, path in enumerate(paths)]
    with open(output, "w", encoding="ascii") as out:
        out.write("/* Made from migrations/ by embed.py. */\n")
        out.write("#define EMBEDDED_NEWEST %d\n" % len(scripts))
        for i, (_, content) in enumerate(scripts):
            write_bytes(out, i + 1, content)
        out.write("static const struct migrate_script embedded_scripts[] = {\n")
        for i, (name, content) in enumerate(scripts):
            checksum = hashlib.sha256(content).hexdigest()
            row = '{%d, "%s", "%s", (const char *)script_%d},\n'
            out.write(row % (i + 1, name, checksum, i + 1))
        out.write("};\n")


main()
