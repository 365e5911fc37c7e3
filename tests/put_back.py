#!/usr/bin/env python3
"""Puts bugs back on purpose, one after the other, and sees whether the tests catch them.

  tests/put_back.py [--list] [FILTER...]

--list   only reads the list, checks that every bug fits the code, and prints them
FILTER   only bugs whose name (as `--list` prints it, LAYER/NAME) contains one of these

Where tests/mutants.sh changes one operator at a time, what is put back here are whole mistakes, of the kind that other
implementations have had: tests/put_back.txt has them, by layer, each with the test that has to catch it and the form they are
written in.

A copy of the package is made in target/put_back/tree. There the tests that are named have to pass on the code as it is; then each
bug is put in alone, and of all tests only those run that are named for it. A run that takes longer than TEST_SECONDS counts as
caught: where a bug makes a loop endless, nothing else can show it.

Needs Python 3.8, cargo and git. The first run builds all programs that are named; then each bug takes a few seconds.
Exit status: 0 every bug is caught; 1 one isn't; 2 a bug doesn't fit the code or doesn't build, or a wrong call; 3 the tests fail
as they are.
"""

import collections
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TREE = ROOT / 'target/put_back/tree'
BUGS = ROOT / 'tests/put_back.txt'
PACKAGE = 'Cargo.toml Cargo.lock README.md src tests benches examples autobahn'.split()
BUILD_SECONDS = 1800
TEST_SECONDS = 120


@dataclasses.dataclass
class Bug:
    layer: str
    name: str
    effect: str = ''
    program: str = ''
    filters: tuple = ()
    # File, old text and new text of each change.
    changes: list = dataclasses.field(default_factory=list)

    def title(self):
        return f'{self.layer}/{self.name}'

    def files(self):
        """The changed files with the bug in them. Each old text has to stand in its file exactly once."""
        texts = {}
        for file, old, new in self.changes:
            text = texts.get(file) or (ROOT / file).read_text()
            # At the beginning of a line: what is shorter than the line doesn't match.
            found = f'\n{text}'.count(f'\n{old}') if old else 0
            if found != 1:
                stop(2, f'{self.title()}: found {found} times in {file}, not once:\n{old}')
            texts[file] = f'\n{text}'.replace(f'\n{old}', f'\n{new}')[1:]
        return texts


def stop(status, message):
    print(message, file=sys.stderr)
    sys.exit(status)


def read():
    """The list of bugs, in the form that its head describes."""
    bugs = []
    for number, line in enumerate(BUGS.read_text().splitlines(), 1):
        kind, rest = line[:1], line[1:]
        if kind in ('', '#'):
            continue
        if kind == '=':
            layer, name = re.fullmatch(r'= (\w+)/([\w-]+)', line).groups()
            bugs.append(Bug(layer, name))
        elif kind == '@':
            bugs[-1].changes.append([rest.strip(), '', ''])
        elif kind == '!':
            bugs[-1].program, *bugs[-1].filters = rest.split()
        elif kind in ' +-' and bugs[-1].changes:
            bugs[-1].changes[-1][1] += rest + '\n' if kind != '+' else ''
            bugs[-1].changes[-1][2] += rest + '\n' if kind != '-' else ''
        elif not bugs[-1].changes:
            bugs[-1].effect += line + '\n'
        else:
            stop(2, f'{BUGS.name}:{number} is not understood: {line}')
    for bug in bugs:
        if not (bug.effect and bug.changes and bug.filters):
            stop(2, f'{bug.title()}: an effect, a change or a test is missing')
        bug.files()
    for name, count in collections.Counter(bug.title() for bug in bugs).items():
        if count > 1:
            stop(2, f'{name} is there {count} times')
    return bugs


def copy():
    """Makes the tree the same as the package; what is the same already keeps its time, so that it isn't built again."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', *PACKAGE],
                            cwd=ROOT, check=True, capture_output=True).stdout
    files = {name.decode() for name in listed.split(b'\0') if name and (ROOT / name.decode()).is_file()}
    TREE.mkdir(parents=True, exist_ok=True)
    for top, directories, names in os.walk(TREE):
        if pathlib.Path(top) == TREE and 'target' in directories:
            directories.remove('target')
        for name in names:
            file = pathlib.Path(top, name)
            if str(file.relative_to(TREE)) not in files:
                file.unlink()
    for name in files:
        write(name, (ROOT / name).read_bytes())


def write(name, content):
    file = TREE / name
    if not file.exists() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def cargo(program, arguments, seconds):
    """The exit status and the output; None for the status if it took too long."""
    target = ['--lib'] if program == 'lib' else ['--test', program]
    command = ['cargo', 'test', '--package', 'sockless', '--features', 'deflate', '--jobs', '2', *target, *arguments]
    environment = {'CARGO_INCREMENTAL': '1', 'CARGO_PROFILE_DEV_DEBUG': '0', 'CARGO_TERM_COLOR': 'never', **os.environ,
                   'CARGO_TARGET_DIR': str(TREE / 'target')}
    process = subprocess.Popen(command, cwd=TREE, env=environment, text=True, errors='replace', start_new_session=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None, process.communicate()[0]


def check_as_it_is(bugs):
    """All tests that are named are there, and pass."""
    programs = collections.defaultdict(set)
    for bug in bugs:
        programs[bug.program].update(bug.filters)
    for program, filters in sorted(programs.items()):
        status, output = cargo(program, ['--', '--list'], BUILD_SECONDS)
        names = re.findall(r'^(.+): test$', output, re.M)
        if status != 0:
            sys.stderr.write(output)
        for name in sorted(filters):
            if status != 0 or not any(name in test for test in names):
                stop(3, f'{program} has no test {name}')
        status, output = cargo(program, ['--', *sorted(filters)], TEST_SECONDS * len(filters))
        if status != 0:
            sys.stderr.write(output)
            stop(3, f'{program} fails as it is')
        print(f'passes as it is: {program}', flush=True)


def put_back(bug):
    """What became of it: 'caught' and by what, 'NOT CAUGHT', or 'DOES NOT BUILD'."""
    originals = {name: (ROOT / name).read_bytes() for name in bug.files()}
    for name, text in bug.files().items():
        write(name, text.encode())
    try:
        status, output = cargo(bug.program, ['--no-run'], BUILD_SECONDS)
        if status != 0:
            sys.stderr.write(output)
            return 'DOES NOT BUILD', bug.program
        status, output = cargo(bug.program, ['--', *bug.filters], TEST_SECONDS)
        if status is None:
            return 'caught', f'{bug.program}: it never ends'
        failed = re.findall(r'^test (.+?)(?: - should panic)? \.\.\. FAILED$', output, re.M)
        if status != 0:
            return 'caught', f'{bug.program}: {failed[0] if failed else "it is aborted"}'
        return 'NOT CAUGHT', f'{bug.program}: {" ".join(bug.filters)}'
    finally:
        for name, content in originals.items():
            write(name, content)


def main(arguments):
    only_list = '--list' in arguments
    wanted = [argument for argument in arguments if argument != '--list']
    if any(argument.startswith('-') for argument in wanted):
        stop(2, __doc__)
    bugs = [bug for bug in read() if not wanted or any(part in bug.title() for part in wanted)]
    if not bugs:
        stop(2, 'no such bug')
    if only_list:
        for bug in bugs:
            print(f'{bug.title()}: {" ".join(bug.effect.split())}')
        return 0
    copy()
    check_as_it_is(bugs)
    results = []
    for number, bug in enumerate(bugs, 1):
        started = time.monotonic()
        result, by = put_back(bug)
        results.append((bug, result, by))
        print(f'[{number}/{len(bugs)}, {time.monotonic() - started:3.0f} s] {bug.title()}: {result} ({by})', flush=True)
    width = max(len(bug.name) for bug in bugs)
    for layer in dict.fromkeys(bug.layer for bug in bugs):
        own = [result for result in results if result[0].layer == layer]
        print(f'\n{layer}: {sum(result == "caught" for _, result, _ in own)} of {len(own)} caught')
        for bug, result, by in own:
            print(f'  {bug.name:{width}}  {result}  {by}')
    kinds = {result for _, result, _ in results}
    return 2 if 'DOES NOT BUILD' in kinds else 1 if 'NOT CAUGHT' in kinds else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
