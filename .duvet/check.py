#!/usr/bin/env python3
"""Checks the requirement trace: every MUST of RFC 6455 and RFC 7692 has code and a test that cite it.

A requirement is one occurrence of MUST, SHALL or REQUIRED (with NOT or without) in the committed texts, or one
entry of `statements/`, where rules stand that bind without such a word. It is kept when

- a citation in `src/` quotes it, and a citation of `type=test` quotes it too, or
- an entry of `exceptions/` quotes it and gives the reason why no code of a protocol engine could keep it.

Every quotation has to stand in the section that it names, to the letter; only line breaks and spaces are free.

With `--duvet`, duvet judges the same files by its own rules, and writes its report. It is taken from the path or from
`target/tools`, and installed there if it is in neither.

Exit status: 0 where the trace is whole, 1 where it is not, 2 where the check can't be done.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

try:
    import tomllib
except ImportError:
    print("check.py: needs Python 3.11 or newer (for tomllib), this is " + sys.version.split()[0])
    sys.exit(2)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BASE = "https://www.rfc-editor.org/rfc/"
RFCS = ("rfc6455", "rfc7692")

DUVET = "0.4.3"
TOOLS = ROOT / "target" / "tools"
# Building it takes four minutes on two cores.
INSTALL_SECONDS, REPORT_SECONDS = 1200, 60

KEY_WORD = re.compile(r"\b(MUST|SHALL|REQUIRED)\b(?:\s+NOT\b)?")
HEADING = re.compile(r"^(\d+(?:\.\d+)*)\.\s+\S")
FURNITURE = re.compile(r"^(?:.*\[Page \d+\]|RFC \d{4} {5,}.* \d{4})$")


def normal(text):
    """Folds every run of white space into one space, and none behind a hyphen that ends a line."""
    text = re.sub(r"(?<=\w)-[ \t]*\n\s*", "-", text)
    return re.sub(r"\s+", " ", text).strip()


class Section:
    """The text of one section, without that of its subsections."""

    def __init__(self, rfc, number, text):
        self.rfc, self.number, self.text = rfc, number, normal(text)
        self.name = f"{rfc}#section-{number}"

    def find(self, quote):
        """Every place where the quotation stands."""
        at = self.text.find(quote)
        return [(at, at + len(quote))] if at >= 0 else []

    def sentence(self, start, end):
        """The sentence around a place, for messages."""
        opening = max(self.text.rfind(". ", 0, start) + 2, self.text.rfind(" o ", 0, start) + 1, 0)
        closing = self.text.find(". ", end)
        return self.text[opening : closing + 1 if closing >= 0 else len(self.text)]


class Requirement:
    """One rule: where it stands, and what was found for it."""

    def __init__(self, section, span, statement=False):
        self.section, self.span, self.statement = section, span, statement
        self.code, self.tests, self.exceptions = [], [], []

    def is_met_by(self, span):
        if self.statement:  # either may be the longer quotation
            return (span[0] <= self.span[0] and self.span[1] <= span[1]) or (
                self.span[0] <= span[0] and span[1] <= self.span[1]
            )
        return span[0] <= self.span[0] and self.span[1] <= span[1]

    def text(self):
        if self.statement:
            return self.section.text[slice(*self.span)]
        return self.section.sentence(*self.span)


class Citation:
    """One quotation: where it was written, of what kind, and what it quotes."""

    def __init__(self, place, kind, target, quote):
        self.place, self.kind, self.target, self.quote = place, kind, target, normal(quote)


def sections_of(rfc):
    path = HERE / "specifications" / "www.rfc-editor.org" / "rfc" / f"{rfc}.txt"
    if not path.is_file():
        print(f"check.py: {path.relative_to(ROOT)} is missing: the trace needs the text of the RFC")
        sys.exit(2)
    found, number, lines = {}, None, []
    for line in path.read_text(encoding="utf-8").replace("\f", "").splitlines() + ["0.  End"]:
        if FURNITURE.match(line):
            continue
        heading = HEADING.match(line)
        if heading:
            if number is not None:
                found[number] = Section(rfc, number, "\n".join(lines))
            number, lines = heading.group(1), []
        lines.append(line)
    return found


def citations_in(path, problems):
    """Reads the citations out of a source file, as duvet does: `//=` lines, then `//#` lines."""
    place = path.relative_to(ROOT).as_posix()
    meta, quote, first, found = {}, [], 0, []

    def flush():
        nonlocal meta, quote
        if meta or quote:
            here = f"{place}:{first}"
            if "target" not in meta or not quote:
                problems.append(f"{here}: a citation needs a target (//=) and a quotation (//#)")
            else:
                kind = meta.get("type", "citation")
                found.append(Citation(here, kind, meta["target"], "\n".join(quote)))
        meta, quote = {}, []

    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        if line.startswith("//="):
            if quote:
                flush()
            if not meta:
                first = number
            value = line[3:].strip()
            key, equals, rest = value.partition("=")
            if equals and key.strip().isalpha():
                meta[key.strip()] = rest.strip()
            else:
                meta["target"] = value
        elif line.startswith("//#"):
            quote.append(line[3:].strip())
        else:
            flush()
    flush()
    return found


def entries_in(folder, key, problems):
    """Reads the entries `[[key]]` out of the TOML files of a folder."""
    for path in sorted((HERE / folder).rglob("*.toml")):
        place = path.relative_to(ROOT).as_posix()
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        for index, entry in enumerate(data.get(key, []), 1):
            here = f"{place}, entry {index}"
            if key == "exception" and len(entry.get("reason", "").split()) < 4:
                problems.append(f"{here}: an exception needs a reason")
            target = entry.get("target", data.get("target", ""))
            yield Citation(here, key, target, entry["quote"])


def find_duvet():
    """The program duvet, or why it can't be had."""
    found = shutil.which("duvet") or shutil.which("duvet", path=str(TOOLS / "bin"))
    if found:
        return found, None
    if not shutil.which("cargo"):
        return None, "it is not on the path, and there is no cargo to install it by"
    print(f"check.py: installing duvet {DUVET} in target/tools: some minutes, once", flush=True)
    command = ["cargo", "install", "duvet", "--version", DUVET, "--locked", "--quiet"]
    try:
        done = subprocess.run([*command, "--root", str(TOOLS)], cwd=ROOT, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"cargo install took more than {INSTALL_SECONDS} seconds"
    found = shutil.which("duvet", path=str(TOOLS / "bin"))
    return (found, None) if done.returncode == 0 and found else (None, "cargo install failed")


def ask_duvet():
    """What duvet says: the exit status."""
    duvet, reason = find_duvet()
    if duvet is None:
        print(f"check.py: duvet can't be had: {reason}")
        return 2
    report = HERE / "reports" / "report.json"
    report.unlink(missing_ok=True)
    command = [duvet, "report"]
    done = subprocess.run(
        command, cwd=ROOT, timeout=REPORT_SECONDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0 or not report.is_file():
        print(done.stdout.decode(errors="replace"))
        print("duvet refuses the trace")
        return 1
    told = json.loads(report.read_text(encoding="utf-8"))
    musts = lacking = 0
    for index, rule in enumerate(told["annotations"]):
        if rule.get("type") != "SPEC" or rule.get("level") != "MUST":
            continue
        musts += 1
        status = told["statuses"].get(str(index), {})
        if not (status.get("exception") or (status.get("citation") and status.get("test"))):
            lacking += 1
            print(f"duvet: {rule['target_section']} lacks code or test:\n    {normal(rule['comment'])}")
    print(f"duvet: {musts} sentences of level MUST, {lacking} of them without code or test")
    return 1 if lacking or not musts else 0


def check():
    problems = []
    sections = {f"{BASE}{rfc}#section-{n}": s for rfc in RFCS for n, s in sections_of(rfc).items()}

    citations = []
    for folder in ("src", "tests"):
        for path in sorted((ROOT / folder).rglob("*.rs")):
            in_tests = folder == "tests" or "tests" in path.relative_to(ROOT).parts
            for citation in citations_in(path, problems):
                if citation.kind != ("test" if in_tests else "citation"):
                    wanted = "type=test" if in_tests else "no type"
                    problems.append(f"{citation.place}: type={citation.kind}, but here stands {wanted}")
                citations.append(citation)
    exceptions = list(entries_in("exceptions", "exception", problems))
    statements = list(entries_in("statements", "spec", problems))

    def places(citation):
        section = sections.get(citation.target)
        if section is None:
            problems.append(f"{citation.place}: there is no section {citation.target}")
            return None, []
        spans = section.find(citation.quote)
        if not spans:
            problems.append(
                f"{citation.place}: the quotation doesn't stand in {section.name}:\n    {citation.quote}"
            )
        return section, spans

    requirements = {}
    for section in sections.values():
        for match in KEY_WORD.finditer(section.text):
            if section.text[match.end() : match.end() + 1] != '"':  # `"MUST"`: its definition
                requirements.setdefault(section.name, []).append(Requirement(section, match.span()))
    for statement in statements:
        section, spans = places(statement)
        for span in spans[:1]:
            requirements.setdefault(section.name, []).append(Requirement(section, span, True))

    for citation in citations + exceptions:
        section, spans = places(citation)
        met = 0
        for requirement in requirements.get(section.name, []) if section else []:
            if any(requirement.is_met_by(span) for span in spans):
                kinds = {"exception": requirement.exceptions, "test": requirement.tests}
                kinds.get(citation.kind, requirement.code).append(citation.place)
                met += 1
        if citation.kind == "exception" and spans and not met:
            problems.append(f"{citation.place}: excuses nothing that binds")

    whole = excused = 0
    rules = [r for found in requirements.values() for r in found]
    for rule in rules:
        lacks = [name for name, found in (("code", rule.code), ("test", rule.tests)) if not found]
        if rule.exceptions:
            excused += 1
            if rule.code:
                problems.append(
                    f"{rule.section.name}: an exception at {rule.exceptions[0]}, yet code at {rule.code[0]}:"
                    f"\n    {rule.text()}"
                )
        elif lacks:
            problems.append(f"{rule.section.name}: without {' and without '.join(lacks)}:\n    {rule.text()}")
        else:
            whole += 1

    for problem in problems:
        print(problem)
    if problems:
        print()
    code = sum(citation.kind == "citation" for citation in citations)
    for rfc in RFCS:
        own = [r for r in rules if r.section.rfc == rfc]
        print(
            f"{rfc}: {len(own)} requirements,"
            f" {sum(bool(r.code and r.tests and not r.exceptions) for r in own)} with code and test,"
            f" {sum(bool(r.exceptions) for r in own)} exceptions"
        )
    print(
        f"together: {len(rules)} requirements ({sum(r.statement for r in rules)} of them without a key word),"
        f" {whole} with code and test, {excused} exceptions;"
        f" {code} citations in code, {len(citations) - code} in tests"
    )
    if problems:
        print(f"the trace is broken: {len(problems)} problems")
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description="Checks the requirement trace.")
    parser.add_argument("--duvet", action="store_true", help="ask duvet too; install it if need be")
    arguments = parser.parse_args()
    status = check()
    return max(status, ask_duvet()) if arguments.duvet and status == 0 else status


if __name__ == "__main__":
    sys.exit(main())
