#!/usr/bin/env python3
"""Looks for dead links in the Markdown of the repository: to files that aren't there, and to headings that aren't there.

    docs/links.py    names each, with its file and line: status 1 if there is one

Links inside rustdoc to items of a crate are rustdoc's to check. Nothing is fetched: links to other hosts are counted and taken on trust.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)|^\[[^\]]+\]:\s+(\S+)")


def lines_of(path):
    """The lines outside code, with their numbers; code inside a line is blanked."""
    fence = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark:
            fence = mark[1] if fence is None else None if mark[1].startswith(fence) else fence
        elif fence is None:
            yield number, re.sub(r"`[^`]*`", lambda code: "`" + "x" * (len(code[0]) - 2) + "`", line) if "](" in line else line


def anchors(path):
    """The headings, as they are linked to."""
    found = {}
    for _, line in lines_of(path):
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if heading:
            slug = re.sub(r"[^\w\- ]", "", heading[1].lower()).replace(" ", "-")
            count = found.get(slug, 0)
            found[slug] = count + 1
            if count:
                found[f"{slug}-{count}"] = 1
        found.update(dict.fromkeys(re.findall(r'<a (?:id|name)="([^"]+)"', line), 1))
    return found


def dead(path, target):
    """Why a link leads nowhere; nothing if it leads somewhere."""
    place, _, heading = target.partition("#")
    to = path if not place else (ROOT / place.lstrip("/") if place.startswith("/") else path.parent / place)
    if not to.exists():
        return "there is no such file"
    if heading and to.suffix == ".md" and heading not in anchors(to):
        return "there is no such heading"
    return None


def main():
    files = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    checked = elsewhere = 0
    wrong = []
    for name in files:
        path = ROOT / name
        for number, line in lines_of(path):
            for link in LINK.finditer(line):
                target = next(part for part in link.groups() if part)
                if re.match(r"[a-z]+:", target) and "::" not in target:
                    elsewhere += 1
                elif "::" in target or re.fullmatch(r"\w+", target):
                    continue  # an item, in rustdoc
                else:
                    checked += 1
                    why = dead(path, target)
                    if why:
                        wrong.append(f"{name}:{number}: {target}: {why}")
    print("\n".join(wrong + [f"docs/links.py: {checked} links in {len(files)} files, {len(wrong)} dead; {elsewhere} to other hosts, not looked at"]))
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
