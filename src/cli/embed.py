"""Makes a C file with the bytes of a text as a NUL-terminated constant, and its length.

Usage: embed.py TEXT OUTPUT.c NAME    gives `const char NAME[]` and `const size_t NAME_length`.
"""

import sys


def main():
    text_path, output_path, name = sys.argv[1:]
    with open(text_path, "rb") as text:
        content = text.read()
    with open(output_path, "w", encoding="ascii") as output:
        output.write(f"#include <stddef.h>\n\nextern const char {name}[];\n")
        output.write(f"extern const size_t {name}_length;\n\n")
        # Numbers, not a string literal: compilers need not take literals of more than 4,095 bytes.
        output.write(f"const char {name}[] = {{\n")
        for start in range(0, len(content), 20):
            numbers = ", ".join(str(b if b < 128 else b - 256) for b in content[start : start + 20])
            output.write(f"    {numbers},\n")
        output.write(f"    0}};\nconst size_t {name}_length = sizeof {name} - 1;\n")


main()
