"""Writes RESULTS.md: what the Autobahn test suite has said of the programs, from the runs whose reports are kept.

Exit status: 0 if there is a result for every program and all are well, 1 if not.
"""

import glob
import json
import os
import sys

from suite import HERE, INFORMATIONAL, PROGRAMS, REPORTS, ROOT, WITHOUT_DEFLATE, say

RESULTS = os.path.join(HERE, "RESULTS.md")
# The widest first: it is the one that is shown.
CASES = ["full", "sample", "core"]


def results():
    """The widest run of every program."""
    found = {}
    for path in glob.glob(os.path.join(REPORTS, "*", "*", "*", "result.json")):
        with open(path) as file:
            result = json.load(file)
        found.setdefault((result["role"], result["program"]), {})[result["cases"]] = result
    rows = []
    for role, programs in PROGRAMS.items():
        for program in programs:
            runs_of = found.get((role, program), {})
            rows.append((role, program, next((runs_of[cases] for cases in CASES if cases in runs_of), None)))
    return rows


def line(role, program, result):
    if not result:
        return "| `%s` | %s | not run | | | | | |" % (program, role)
    verdicts = result["verdicts"]
    ok, informational = verdicts.get("OK", 0), verdicts.get("INFORMATIONAL", 0)
    # Those that were not reported, too.
    others = result["expected"] - ok - informational
    cases = "%s: %d" % (result["cases"], result["expected"])
    return "| `%s` | %s | %s | %d | %d | %d | %s | `%s` |" % (
        program,
        role,
        cases,
        ok,
        informational,
        others,
        result["date"],
        result["revision"],
    )


def text(rows):
    known = [result for _, _, result in rows if result]
    suites = ", ".join(sorted({result["suite"] for result in known}))
    rustc = ", ".join(sorted({result["rustc"] for result in known if "rustc" in result}))
    with open(os.path.join(ROOT, "Cargo.toml")) as file:
        version = next(line.split('"')[1] for line in file if line.startswith("version = "))
    said = [
        "# What the Autobahn test suite says",
        "",
        "sockless %s, `%s`, release builds with %s. Written by `autobahn/run.sh results` from real runs." % (version, suites, rustc),
        "",
        "| program | role | cases | OK | INFORMATIONAL | other | date | commit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    said += [line(*row) for row in rows]
    said += [
        "",
        "A case counts as OK if it is so in both columns, the behaviour and the closing. Full is all 517 cases; core is groups 1 to 7, 9 and 10;",
        "sample is core with a few cases of every sub-group of 12 and 13. The suite itself has no more than INFORMATIONAL for %s." % ", ".join(sorted(INFORMATIONAL)),
        "%s speaks without `permessage-deflate`, which is what groups 12 and 13 are about." % ", ".join("`%s`" % name for name in sorted(WITHOUT_DEFLATE)),
        "A run is repeated by `autobahn/run.sh ROLE PROGRAM --cases full`, all of them by `autobahn/run.sh all --cases full`.",
    ]
    for role, program, result in rows:
        for wrong in (result or {}).get("wrong", []):
            said += ["", "%s %s: %s" % (role, program, wrong)]
    return "\n".join(said) + "\n"


def main():
    rows = results()
    with open(RESULTS, "w") as file:
        file.write(text(rows))
    say("written: %s" % os.path.relpath(RESULTS, ROOT))
    well = True
    for role, program, result in rows:
        if not result:
            well = False
            say("%s %s: not run" % (role, program))
            continue
        well &= not result["wrong"]
        verdict = "%d wrong" % len(result["wrong"]) if result["wrong"] else "well"
        reports = os.path.relpath(os.path.join(REPORTS, role, program, result["cases"]), ROOT)
        say("%s %s: %s: %s; reports: %s" % (role, program, result["cases"], verdict, reports))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
