#!/usr/bin/env python3
"""Puts bugs back on purpose, one after the other, and sees whether the tests catch them.

  crates/sockless-session/tests/put_back.py [--list] [FILTER...]

--list   only checks that every bug fits the code, and prints them
FILTER   only bugs whose name contains one of these

put_back.txt has the bugs, each with the test programs that have to catch it. A copy of the package is made in
target/put_back/session; there each bug is put in alone. A run that takes longer than TEST_SECONDS counts as caught: where a bug
makes a run endless, nothing else can show it.

Needs Python 3.8, cargo and git.
Exit status: 0 every bug is caught; 1 one isn't; 2 a bug doesn't fit the code or doesn't build; 3 the tests fail as they are.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
ROOT = PACKAGE.parent.parent
TREE = ROOT / 'target/put_back/session'
TEST_SECONDS = 300


def read_bugs():
    bugs = []
    for line in (PACKAGE / 'tests/put_back.txt').read_text().splitlines():
        if not line or line.startswith('#'):
            continue
        if line.startswith('= '):
            bugs.append({'name': line[2:], 'effect': '', 'changes': [], 'programs': []})
        elif line.startswith('@ '):
            bugs[-1]['changes'].append([line[2:], '', ''])
        elif line.startswith('! '):
            bugs[-1]['programs'] = line[2:].split()
        elif line[0] in ' -+' and bugs[-1]['changes']:
            change = bugs[-1]['changes'][-1]
            change[1] += line[1:] + '\n' if line[0] in ' -' else ''
            change[2] += line[1:] + '\n' if line[0] in ' +' else ''
        else:
            bugs[-1]['effect'] += line + ' '
    return bugs


def changed(bug):
    """The changed files with the bug in them."""
    texts = {}
    for file, old, new in bug['changes']:
        text = texts.get(file) or (PACKAGE / file).read_text()
        if text.count(old) != 1:
            print(f"{bug['name']}: not exactly once in {file}:\n{old}")
            sys.exit(2)
        texts[file] = text.replace(old, new)
    return texts


def copy():
    shutil.rmtree(TREE, ignore_errors=True)
    shutil.copytree(PACKAGE, TREE)
    root = (ROOT / 'Cargo.toml').read_text()
    manifest = (PACKAGE / 'Cargo.toml').read_text().replace('[lints]\nworkspace = true\n', '')

    def value(match):
        return re.search(rf'^{match[1]} = .*$', root, re.M)[0]

    manifest = re.sub(r'^([a-z-]+)\.workspace = true$', value, manifest, flags=re.M)
    manifest += '\n[workspace]\n[profile.dev]\ndebug = false\n'
    (TREE / 'Cargo.toml').write_text(manifest)
    shutil.copy(ROOT / 'Cargo.lock', TREE / 'Cargo.lock')


def cargo(*arguments, **more):
    environment = dict(os.environ, CARGO_TARGET_DIR=str(TREE.parent / 'session-target'))
    environment.pop('SOCKLESS_SEED', None)
    return subprocess.run(['cargo', *arguments], cwd=TREE, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **more)


def passes(programs):
    """Whether the tests pass, and what they said."""
    tests = [word for program in programs for word in ('--test', program)]
    built = cargo('test', '-j1', '--no-run', *tests)
    if built.returncode:
        print(built.stdout)
        sys.exit(2)
    try:
        ran = cargo('test', '-j1', '--no-fail-fast', *tests, timeout=TEST_SECONDS)
    except subprocess.TimeoutExpired:
        return False, 'no end'
    failed = re.findall(r'^test (\S+) \.\.\. FAILED|^SOCKLESS_SEED=(\d+)', ran.stdout, re.M)
    return ran.returncode == 0, ', '.join(test or f'seed {seed}' for test, seed in failed)


def main():
    filters = [word for word in sys.argv[1:] if not word.startswith('-')]
    bugs = [bug for bug in read_bugs() if not filters or any(f in bug['name'] for f in filters)]
    for bug in bugs:
        changed(bug)
        if '--list' in sys.argv:
            print(f"{bug['name']}: {bug['effect']}")
    if '--list' in sys.argv:
        return 0
    copy()
    programs = sorted({program for bug in bugs for program in bug['programs']})
    if not passes(programs)[0]:
        print('the tests fail as they are')
        return 3
    missed = 0
    for bug in bugs:
        for file, text in changed(bug).items():
            (TREE / file).write_text(text)
        fine, failed = passes(bug['programs'])
        print(f"{'MISSED' if fine else 'caught'}  {bug['name']}  {failed}", flush=True)
        missed += fine
        for file in changed(bug):
            (TREE / file).write_text((PACKAGE / file).read_text())
    print(f'{len(bugs) - missed} of {len(bugs)} caught')
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
