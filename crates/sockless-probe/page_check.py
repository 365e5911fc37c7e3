#!/usr/bin/env python3
"""Opens report pages in headless Chromium: every link, no script error, and how much work the first look costs.

    crates/sockless-probe/page_check.py PAGE.html ... [--seconds N]
    crates/sockless-probe/page_check.py --large REPORT.json ...
    crates/sockless-probe/page_check.py --screenshot FILE.png PAGE.html

With --large the page is made of real reports, from --json, grown to 2,000 cases by six testees; PROBE is the program that makes it
(target/release/sockless-probe without it).

Every cell is opened by its address, as a reader does, until its log is unpacked. How long opening the page takes is shown; what it may cost is judged by
the processor time of the page's thread, as that doesn't depend on what else the machine does.

Exit status: 0 if all is well, 1 if not, 2 if there is no Chromium.
"""

import argparse
import base64
import copy
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "autobahn", "interop"))

import chromium  # noqa: E402

PROBE = os.environ.get("PROBE", os.path.join(HERE, "..", "..", "target", "release", "sockless-probe"))
CASES, TESTEES = 2000, 6
# Before any script of the page.
WATCH = """
window.wrong = [];
addEventListener("error", event => wrong.push(event.message));
addEventListener("unhandledrejection", event => wrong.push(String(event.reason)));
"""
# Opens a part of the links: what is wrong with them.
OPEN = """(async (from, to) => {
  const wrong = [];
  for (const link of links.slice(from, to)) {
    await open(link);
    const [, id] = link.slice(1).split("/").map(decodeURIComponent);
    const shown = document.querySelector("#detail h2")?.textContent, wire = document.getElementById("wire")?.textContent;
    if (!document.getElementById("dialog").open || shown !== id) wrong.push(`${link} shows ${shown}`);
    else if (!wire || wire === "…" || wire.includes("can't unpack")) wrong.push(`${link} has the log ${wire}`);
  }
  document.getElementById("dialog").close();
  return wrong;
})(%d, %d)"""


def look(tab, path, seconds):
    """What is wrong with a page."""
    tab.call("Performance.enable")
    tab.call("Page.enable")
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    tab.open("file://" + os.path.abspath(path))
    painted = "(performance.getEntriesByName('first-contentful-paint')[0] ?? {startTime: 0}).startTime"
    tab.wait_for(painted + " > 0", True)
    loaded = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    work = {entry["name"]: entry["value"] for entry in tab.call("Performance.getMetrics")["metrics"]}
    row = (path, tab.evaluate(painted), loaded, 1000 * work["ThreadTime"], work["Nodes"])
    print("%s: first paint after %.0f ms, loaded after %.0f ms; processor time %.0f ms, %d nodes" % row, flush=True)
    wrong = [] if work["ThreadTime"] < seconds else ["it costs %.2f s to open" % work["ThreadTime"]]

    outside = tab.evaluate("[...document.querySelectorAll('[src], link[href], a[href]')].filter(own => !/^(#|data:)/.test(own.getAttribute('href') ?? own.getAttribute('src'))).length")
    if outside:
        wrong.append("%d references lead out of the page" % outside)
    count = tab.evaluate("fillAll(), window.links = [...document.querySelectorAll('#chapters a')].map(a => a.getAttribute('href')), links.length")
    results = tab.evaluate("reports.reduce((sum, report) => sum + report.results.length, 0)")
    if count != results or count == 0:
        wrong.append("%d links for %d results" % (count, results))
    for at in range(0, count, 1000):
        wrong += tab.evaluate(OPEN % (at, at + 1000))
    # By hand as well: a click, the search, each choice.
    tab.evaluate("document.querySelector('#chapters a').click()")
    if not tab.wait_for("document.getElementById('dialog').open", True):
        wrong.append("a click opens nothing")
    tab.evaluate("document.getElementById('dialog').close()")
    for id in ["show", "level"]:
        tab.evaluate("[...document.getElementById('%s').options].forEach(option => { option.selected = true; document.getElementById('%s').dispatchEvent(new Event('input')); })" % (id, id))
    tab.evaluate("document.getElementById('show').value = 'all', document.getElementById('level').value = '', document.getElementById('search').value = 'nothing is like this', draw()")
    if not tab.wait_for("document.getElementById('chapters').textContent", "No case is like that."):
        wrong.append("the search finds what is not there")
    print("%s: %d links opened" % (path, count), flush=True)
    return wrong + tab.evaluate("window.wrong")


def grow(reports, folder):
    """A page of that size out of real reports: cases come again under further ids, reports under further names."""
    paths = []
    for number, path in zip(range(TESTEES), itertools.cycle(reports)):
        with open(path) as file:
            report = json.load(file)
        report["agent"] = "%s %d" % (report["agent"], number + 1)
        cases, report["cases"] = report["cases"], []
        for turn in itertools.count():
            for case in cases[: CASES - len(report["cases"])]:
                case = copy.copy(case)
                case["id"] += "-%d" % turn if turn else ""
                report["cases"].append(case)
            if len(report["cases"]) == CASES:
                break
        paths.append(os.path.join(folder, "%d.json" % number))
        with open(paths[-1], "w") as file:
            json.dump(report, file)
    page = os.path.join(folder, "large.html")
    subprocess.run([PROBE, "merge"] + paths + ["--html", page], check=True, stdout=subprocess.DEVNULL)
    return page


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", nargs="*")
    parser.add_argument("--large", nargs="+", default=[], metavar="REPORT.json")
    parser.add_argument("--seconds", type=float, default=1, help="how much processor time a page may take to open")
    parser.add_argument("--screenshot")
    args = parser.parse_args()
    path = chromium.find()
    if not path:
        print("page_check: there is no Chromium")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        pages = args.pages + ([grow(args.large, folder)] if args.large else [])
        if not pages:
            parser.error("there is no page to look at")
        return look_at_all(chromium.Chromium(path), pages, args)


def look_at_all(browser, pages, args):
    status = 0
    try:
        for page in pages:
            tab = browser.tab()
            if args.screenshot:
                tab.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
                tab.open("file://" + os.path.abspath(page))
                time.sleep(1)
                with open(args.screenshot, "wb") as file:
                    file.write(base64.b64decode(tab.call("Page.captureScreenshot", format="png")["data"]))
                continue
            for text in look(tab, page, args.seconds):
                print("page_check: WRONG: %s: %s" % (page, text))
                status = 1
            tab.close()
    finally:
        browser.close()
    return status


if __name__ == "__main__":
    sys.exit(main())
