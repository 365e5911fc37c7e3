#!/usr/bin/env python3
"""Counts the instructions of fixed workloads, and compares them with the figures that are committed.

  benches/counted/check.py            fails if a workload takes over 3 % more than its figure
  benches/counted/check.py --write    makes the figures anew

Counts are exact, whatever else the machine does, but they depend on the compiler and on the system's allocator: figures that an
other compiler has made are shown, not judged. Exit status: 0 good, 1 too much, or it can't be built or counted, 2 not judged, since
something is missing or the compiler is another.
"""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FIGURES = HERE / "figures.txt"
TOLERANCE = 0.03
# Of one run and of another; what they differ by is the work itself.
FEW, MANY = 64, 576


def stop(message, status=1):
    print(f"counted: {message}", file=sys.stderr)
    sys.exit(status)


def build():
    """The path of the program."""
    command = ["cargo", "bench", "--quiet", "--no-run", "--bench", "counted", "--message-format=json"]
    made = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        stop("the workloads can't be built")
    for line in made.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message.get("target", {}).get("name") == "counted":
            return message["executable"]
    return stop("cargo did not say where the program is")


def instructions(program, workload, count):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, workload, str(count)]
    ran = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    found = re.search(r"Collected\s*:\s*(\d+)", ran.stderr)
    if ran.returncode != 0 or not found:
        stop(f"callgrind could not count {workload!r}:\n{ran.stderr}")
    return int(found.group(1))


def read():
    """The compiler that made the figures, and the figures."""
    if not FIGURES.exists():
        return "", {}
    compiler, figures = "", {}
    for line in FIGURES.read_text().splitlines():
        if line.startswith("# made with "):
            compiler = line.removeprefix("# made with ")
        elif line and not line.startswith("#"):
            figure, workload = line.split(None, 1)
            figures[workload] = float(figure)
    return compiler, figures


def main():
    write = sys.argv[1:] == ["--write"]
    if sys.argv[1:] and not write:
        stop(f"unknown arguments: {sys.argv[1:]}; there is only --write")
    if platform.machine() != "x86_64":
        stop("the figures are of x86-64", status=2)
    if not shutil.which("valgrind"):
        stop("valgrind is not installed", status=2)
    # Where memory lies, and what the environment holds, may change a few instructions.
    os.environ.pop("MALLOC_ARENA_MAX", None)
    compiler = subprocess.run(["rustc", "--version"], stdout=subprocess.PIPE, text=True).stdout.strip()
    program = build()
    made_with, figures = read()
    judged = made_with == compiler
    names = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    if not names:
        stop("the program names no workload")
    lines, bad = [], []
    for workload in names:
        few, many = (instructions(program, workload, count) for count in (FEW, MANY))
        now = (many - few) / (MANY - FEW)
        if now < 1:
            stop(f"{workload!r} does nothing: {few} instructions for {FEW}, {many} for {MANY}")
        before = figures.get(workload)
        change = f"{now / before - 1:+7.1%}" if before else "    new"
        print(f"{now:10.1f}  {change}  {workload}", flush=True)
        lines.append(f"{now:10.1f} {workload}")
        if before is None or now > before * (1 + TOLERANCE):
            bad.append(workload)
    missing = set(figures) - set(names)
    if write:
        head = f"# Instructions a time, by benches/counted/check.py --write\n# made with {compiler}\n"
        FIGURES.write_text(head + "\n".join(lines) + "\n")
        print(f"written: {FIGURES.relative_to(ROOT)}")
    elif not judged:
        print(f"not judged: the figures were made with {made_with or 'nothing'}, this is {compiler}")
        sys.exit(2)
    elif bad or missing:
        print(f"over {TOLERANCE:.0%} more than committed, or without a figure: {', '.join(bad) or 'none'}")
        print(f"figures without a workload: {', '.join(sorted(missing)) or 'none'}")
        sys.exit(1)
    else:
        print(f"{len(names)} workloads within {TOLERANCE:.0%} of their figures")


main()
