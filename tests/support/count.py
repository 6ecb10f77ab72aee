"""Prints "PASSED FAILED" for the log of a test runner: how many single cases passed and failed.

    count.py meson LOG.json      of `meson test`: one line a program; Check's summary in its output
                                 counts the cases, a program without one is one case, and one that
                                 was skipped is none
    count.py unittest LOG        of `python3 -m unittest`
    count.py summary LOG         a last line "N passed, N failed"

A log without a summary, or with no case at all, is one failure: what can't be counted did not pass.
"""

import json
import re
import sys


def of_meson(text):
    passed = failed = 0
    for line in text.splitlines():
        test = json.loads(line)
        if test["result"] == "SKIP":
            continue
        cases = re.findall(
            r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", test.get("stdout", ""), re.M
        )
        n_cases = sum(int(checks) for checks, _, _ in cases)
        n_bad = sum(int(failures) + int(errors) for _, failures, errors in cases)
        is_ok = test["result"] == "OK"
        if not cases:
            passed, failed = (passed + 1, failed) if is_ok else (passed, failed + 1)
            continue
        passed += n_cases - n_bad
        # A program can fail after its last case: a leak is only reported at the end.
        failed += n_bad if is_ok or n_bad else 1
    return passed, failed


def of_unittest(text):
    ran = re.findall(r"^Ran (\d+) tests? in", text, re.M)
    ends = re.findall(r"^(OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$", text, re.M)
    if len(ran) != 1 or not ends:
        return 0, 1
    counts = dict(re.findall(r"(\w+)=(\d+)", ends[-1][1]))
    bad = int(counts.get("failures", 0)) + int(counts.get("errors", 0))
    passed = int(ran[0]) - bad - int(counts.get("skipped", 0))
    if ends[-1][0] == "FAILED" and bad == 0:
        bad = 1
    return max(passed, 0), bad


def of_summary(text):
    lines = re.findall(r"^(\d+) passed, (\d+) failed$", text, re.M)
    return tuple(int(number) for number in lines[-1]) if lines else (0, 1)


def main():
    kinds = {"meson": of_meson, "unittest": of_unittest, "summary": of_summary}
    try:
        with open(sys.argv[2], encoding="utf-8", errors="replace") as log:
            passed, failed = kinds[sys.argv[1]](log.read())
    except FileNotFoundError:
        passed, failed = 0, 1
    if passed + failed == 0:
        failed = 1
    print(passed, failed)


if __name__ == "__main__":
    main()
