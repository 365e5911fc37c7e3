#!/usr/bin/env python3
"""Measures how cost grows, and writes benches/GROWTH.md with benches/growth.svg.

  benches/growth/report.py                  measures
  benches/growth/report.py FILE             takes what the two programs have printed, see COMMANDS
  benches/growth/report.py --cores [FILE]   measures how echo_mio grows with threads, and leaves all else as it is
"""

import datetime
import math
import os
import pathlib
import platform
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COLOURS = ["#2f7ed8", "#d9534f", "#3c9d4e", "#b07cc6", "#c98a1b"]

TEXT = """# How cost grows

{date}, {cpu}, {compiler}; by `benches/growth/report.py`. Each figure is the least of nine rounds, on one core, in memory, but
for those with cores. Compare within this page only.

![Time against size, connections and fragments](growth.svg)

## With connections

One message of 16 bytes is received on each connection in turn, and echoed, with one read buffer and one output buffer lent to all
of them; one prepared message is queued on each of them, and drained.

{connections}

## With the size of a message

By reads of 16 KiB. *In place* copies each read into a buffer first, as a kernel does for a socket; *copied* decodes from where
the bytes lie, copying and unmasking in one pass.

{sizes}

## With the fragments of a message

A message of 1 MiB, in so many fragments. Its memory stays within twice its bytes and 64 KiB, whatever they are.

{fragments}

{cores}## What a million connections take

The tables say that a connection costs the same whether it is alone or one of ten thousand: nothing in the library looks at another
connection, and an idle one owns no heap. So a million is a matter of arithmetic.

*Memory.* An open connection is {bytes:.0f} bytes, of which 16 are its two pointers to the shared configuration: {total:.0f} MB for a million. What a
program keeps beside it weighs about as much: an entry in a table, a file descriptor, a place in a timer. The kernel's share is
larger than all of that: a TCP socket without data takes two to four kilobytes there, and each message in progress its buffers, so that a
million sockets need 3 to 4 GB before the first byte of a program's own. Compression changes the sum: a connection that has sent a
compressed message keeps a compressor of some 370 KiB if it has context takeover, a third of a terabyte for a million. Who wants
both declines takeover, and shares a pool of compressors that grows with the messages in progress, not with the connections.

*Time.* Serving a message of 16 bytes costs {echo:.0f} ns here, lending and reclaiming the buffer included, so that a million
connections with one message each in ten seconds keep {share:.1%} of a core busy in the library. The system calls around it cost thirty times
as much: one read and one write a message are 2 to 3 µs, a quarter of a core. A prepared message of 64 bytes to all of them takes
{broadcast:.0f} ms in the library, and is encoded once. What limits such a broadcast is a million calls of `write`, some two seconds of one core,
which is why it is worth spreading over cores: connections share nothing but the configuration and the message, both immutable.

*Timers.* A connection tells its next deadline as a number. With keepalive every 30 seconds, a million connections have 33,000 deadlines a second; a wheel
or a heap of the program's holds them, and the library is called for those that are due.

*Attackers.* The bound for a connection is the configuration's: with the defaults, 16 MiB of message and 16 MiB of output. A million hostile
peers could ask for all of it at once, so that a program for so many sets lower limits (`Limits::with_message`, `Config::with_output_limits`): at
64 KiB of each, a tenth of them being hostile costs 13 GB at worst.
"""

# It has its own date, since it can be measured alone.
CORES = """## With cores

{date}, {cpu}. `echo_mio` on one thread and on more, which share the port and the configuration and nothing else. It is a process, and its clients are
another one on the same {cores} cores, by loopback TCP: more threads serve more only as far as the clients leave them a core. What says how it grows is the
server's time for a message: a second thread that got in the way of the first would add to it. Medians of seven rounds, in which all take turns;
the load of the machine before them was {load:.1f}, and a machine that does other things serves fewer messages a second.

{scaling}

"""


# Before anything is measured.
LOAD = os.getloadavg()[0]

COMMANDS = [
    ["cargo", "bench", "--quiet", "--bench", "growth"],
    ["cargo", "bench", "--quiet", "-p", "sockless-autobahn", "--bench", "scaling"],
]


def measure(commands, files):
    if files:
        return pathlib.Path(files[0]).read_text()
    print(f"measuring: about {len(commands)} minutes, and the build", file=sys.stderr, flush=True)
    run = lambda command: subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return "".join(map(run, commands))


def read(output):
    """Tables: name -> series -> x -> value."""
    tables = {}
    for line in output.splitlines():
        parts = line.split("\t")
        if len(parts) == 4:
            table, x, series, value = parts
            tables.setdefault(table, {}).setdefault(series, {})[int(x)] = float(value)
    return tables


def size(x):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if x >= unit:
            return f"{x // unit} {name}"
    return f"{x} B"


def short(x):
    return f"{x // 1_000_000} M" if x >= 1_000_000 else f"{x // 1000} k" if x >= 1000 else str(x)


def number(value):
    return f"{value:,.2f}" if value < 3 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def markdown(table, first, label):
    xs = sorted({x for series in table.values() for x in series})
    lines = [f"| {first} | " + " | ".join(table) + " |", "|---:" * (len(table) + 1) + "|"]
    for x in xs:
        lines.append(f"| {label(x)} | " + " | ".join(number(series[x]) for series in table.values()) + " |")
    return "\n".join(lines)


def chart(table, title, label, left):
    """One chart with two logarithmic axes, 360 wide and 260 high."""
    series = {name: points for name, points in table.items() if "ns" in name}
    xs = sorted({x for points in series.values() for x in points})
    values = [value for points in series.values() for value in points.values()]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    across = lambda x: left + 50 + 250 * math.log(x / xs[0]) / math.log(xs[-1] / xs[0])
    up = lambda value: 215 - 170 * (math.log10(value) - low) / (high - low)
    out = [f'<text x="{left + 50}" y="22" font-weight="bold">{title}</text>']
    for power in range(low, high + 1):
        y = up(10**power)
        out.append(f'<line x1="{left + 50}" x2="{left + 300}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884" />')
        name = f"{10**power:,} ns" if power < 3 else f"{10**(power - 3):,} µs" if power < 6 else f"{10**(power - 6):,} ms"
        out.append(f'<text x="{left + 45}" y="{y + 4:.1f}" text-anchor="end">{name}</text>')
    for x in xs[:: max(1, len(xs) // 4)]:
        out.append(f'<text x="{across(x):.1f}" y="232" text-anchor="middle">{label(x)}</text>')
    for n, (name, points) in enumerate(series.items()):
        colour = COLOURS[n % len(COLOURS)]
        path = " ".join(f"{across(x):.1f},{up(points[x]):.1f}" for x in sorted(points))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" />')
        out.append(f'<text x="{left + 58}" y="{252 + 15 * n}" fill="{colour}">{name}</text>')
    return "\n".join(out)


def processor():
    known = pathlib.Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", known.read_text()) if known.exists() else None
    return found.group(1) if found else platform.machine()


def cores(tables):
    """The section about threads."""
    return CORES.format(
        date=datetime.date.today().isoformat(),
        cpu=processor(),
        cores=os.cpu_count(),
        load=LOAD,
        scaling="\n\n".join(f"{name}:\n\n{markdown(table, 'threads', str)}" for name, table in tables.items()),
    )


def main():
    arguments = sys.argv[1:]
    growth = ROOT / "benches/GROWTH.md"
    if arguments[:1] == ["--cores"]:
        section = cores(read(measure(COMMANDS[1:], arguments[1:])))
        text = growth.read_text()
        end = text.index("## What a million connections take")
        begin = text.find("## With cores")
        growth.write_text(text[: begin if begin >= 0 else end] + section + text[end:])
        print("written: benches/GROWTH.md, with cores")
        return
    tables = read(measure(COMMANDS, arguments))
    connections, sizes, fragments = (tables.pop(name) for name in ("connections", "sizes", "fragments"))
    most = max(connections["bytes a connection"])
    echo = connections["echo of 16 B, ns"][most]
    text = TEXT.format(
        date=datetime.date.today().isoformat(),
        cpu=processor(),
        compiler=" ".join(subprocess.run(["rustc", "--version"], stdout=subprocess.PIPE, text=True).stdout.split()[:2]),
        connections=markdown(connections, "connections", lambda x: f"{x:,}"),
        sizes=markdown(sizes, "payload", size),
        fragments=markdown(fragments, "fragments", lambda x: f"{x:,}"),
        cores=cores(tables),
        bytes=connections["bytes a connection"][most],
        total=connections["bytes a connection"][most],
        echo=echo,
        share=echo * 1e6 / 10 / 1e9,
        broadcast=connections["broadcast of 64 B, ns"][most],
    )
    growth.write_text(text)
    charts = [
        chart(sizes, "a message, by its size", size, 0),
        chart(connections, "a message, by the connections", short, 340),
        chart(fragments, "1 MiB, by its fragments", short, 680),
    ]
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1020 330" font-family="sans-serif" font-size="12" fill="#888">{"".join(charts)}</svg>\n'
    (ROOT / "benches/growth.svg").write_text(svg)
    print("written: benches/GROWTH.md, benches/growth.svg")


main()
