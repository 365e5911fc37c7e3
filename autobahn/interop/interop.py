"""Sockless and peers that others wrote, against each other. Installs the peers, runs both roles, prints a table of what ran.

Exit status: 0 if nothing failed, 1 if something did, 2 if nothing can be run here.
"""

import argparse
import re
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import chromium
import install
import matrix
import page
import programs
import stomp

PARTS = ["matrix", "page", "stomp"]


class Browser:
    """One browser for all rows, started with the first that wants it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.started = None

    def __call__(self):
        with self.lock:
            if not self.started:
                self.started = chromium.Chromium(chromium.find())
            return self.started

    def stop(self):
        if self.started:
            self.started.close()


def shown(cell):
    """A cell's result; with the close codes that were seen, where it is about these."""
    result, said = cell
    return "%s: %s" % cell if result == "ok" and re.fullmatch(r"[\d ]+", said) else result


def table(title, heads, rows):
    """Prints a table; below it why a cell is not ok. Whether something failed, and whether something was skipped."""
    lines = [heads] + [names + [shown(cell) for cell in cells] for names, cells in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    print("\n%s\n" % title)
    for at, line in enumerate(lines):
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
        if at == 0:
            print("  ".join("-" * width for width in widths))
    failed = skipped = False
    for names, cells in rows:
        told = set()
        for head, (result, why) in zip(heads[len(names) :], cells):
            failed |= result == "FAILED"
            skipped |= result == "skipped"
            if result == "FAILED" or (result == "skipped" and why not in told):
                told.add(why)
                print("%s: %s: %s: %s" % (result, ", ".join(names), head, why))
    return failed, skipped


def run_matrix(args, versions, browser):
    rows = [row for row in matrix.plan() if args.match in " ".join(row.names())]
    if not rows:
        return False, False
    done, lock = [0], threading.Lock()

    def one(row):
        started = time.monotonic()
        matrix.run(row, versions, browser)
        results = {result for result, _ in row.cells.values()}
        worst = next(result for result in ["FAILED", "skipped", "ok"] if result in results)
        with lock:
            done[0] += 1
            seconds = time.monotonic() - started
            install.say("%3d of %d, %4.1f s: %s: %s" % (done[0], len(rows), seconds, ", ".join(row.names()), worst))

    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(one, rows))
    heads = ["peer", "is the", "sockless", "way", "deflate"]
    heads += ["16 MiB" if name == "large" else name for name in matrix.SCENARIOS]
    cells = [(row.names(), [row.cells[name] for name in matrix.SCENARIOS]) for row in rows]
    results = table("Interoperability (-: the peer's interface has no such thing)", heads, cells)
    print("Without permessage-deflate of its own, tungstenite declines it in every row.")
    return results


def main():
    parser = argparse.ArgumentParser(prog="autobahn/interop/run.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, action="append", help="one part alone; may be repeated")
    parser.add_argument("--match", default="", help="only the rows of the matrix whose names, joined by blanks, contain this")
    parser.add_argument("--jobs", type=int, default=3, help="how many rows run at a time; 3 by default")
    parser.add_argument("--require-all", action="store_true", help="what is skipped counts as failed")
    args = parser.parse_args()
    if not shutil.which("cargo"):
        install.say("cargo is needed to build the programs")
        return 2
    install.say("building the programs, in release")
    if not programs.build():
        install.say("the programs do not build")
        return 1
    versions = install.peers()
    for name, version in versions.items():
        install.say("%s: %s" % (matrix.NAMES.get(name, name), version or "NOT INSTALLED"))
    browser = Browser()
    results, started = [], time.monotonic()
    try:
        for part in args.only or PARTS:
            if part == "matrix":
                results.append(run_matrix(args, versions, browser))
            elif part == "page":
                results.append(table("The page of the echo servers in Chromium", page.HEADS, page.rows(versions, browser)))
            else:
                results.append(table("STOMP through the bridge", stomp.HEADS, stomp.rows(versions)))
    finally:
        browser.stop()
    failed = any(failed for failed, _ in results)
    skipped = any(skipped for _, skipped in results)
    verdict = "FAILED" if failed else "passed, with rows skipped" if skipped else "passed"
    print()
    install.say("%s in %d s" % (verdict, time.monotonic() - started))
    return 1 if failed or (skipped and args.require_all) else 0


if __name__ == "__main__":
    sys.exit(main())
