#!/usr/bin/env bash
# Mutation testing of everything that a peer's bytes reach: src/words, frame, message, connection, handshake and extension.
#
#   tests/mutants.sh [--shards K/N | --some COUNT] [FILTER...]
#
# --shards K/N  every Nth mutant, beginning with the Kth (from 0 on): evenly over all files
# --some COUNT  so many at most, evenly over all files, and the same ones as long as the code is the same: in minutes
# FILTER        only mutants whose name (as `cargo mutants --list` prints it) matches one of these regular expressions
#
# To build each chapter as a program of its own for every mutant would take minutes. So a copy of the package is made in
# target/mutants/tree, and in it one program of all chapters but those that are long programs of their own (autobahn, live, simulation);
# the chapters that count allocations share one allocator in it, but handshake_cost, which brings its own, stays apart. The mutants are tried with what is quick first; what is missed then is tried once more with
# every test, those inside the package included. With --some, each layer has a smaller program of its own chapters before that.
#
# What is missed then has to be in tests/mutants.txt, with the reason why no test can tell it from the code as it is.
#
# Needs cargo-mutants 27 (`cargo install --locked cargo-mutants`, or the same with `--root target/tools`), python3 and git.
# Exit status: 0 nothing else is missed; 1 something is; 2 something is lacking, or a wrong call; 3 the tests fail as they are.
set -uo pipefail
cd "$(dirname "$0")/.."

shards=()
some=
usage="usage: tests/mutants.sh [--shards K/N | --some COUNT] [FILTER...]"
if [[ ${1-} == --shards ]]; then
  [[ ${2-} =~ ^[0-9]+/[1-9][0-9]*$ ]] || { echo "$usage" >&2; exit 2; }
  shards=(--shard "$2" --sharding round-robin)
  shift 2
elif [[ ${1-} == --some ]]; then
  [[ ${2-} =~ ^[1-9][0-9]*$ ]] || { echo "$usage" >&2; exit 2; }
  some=$2
  shift 2
fi
filters=()
for filter in "$@"; do
  [[ $filter != --* ]] || { echo "unknown option $filter" >&2; exit 2; }
  filters+=(--re "$filter")
done
export PATH="$PWD/target/tools/bin:$PATH"
for tool in cargo python3 git; do
  command -v "$tool" >/dev/null || { echo "lacking: $tool" >&2; exit 2; }
done
cargo mutants --version >/dev/null 2>&1 ||
  { echo "lacking: cargo-mutants (cargo install --locked cargo-mutants)" >&2; exit 2; }

out=$PWD/target/mutants
tree=$out/tree
echo "making $tree"
mkdir -p "$tree"
# Its own target directory stays: what the package depends on is built once. The package itself is not what it was when the last
# mutant was built, so all of it has the time of now.
find "$tree" -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard Cargo.toml Cargo.lock README.md src tests |
  tar --create --null --files-from=- | tar --extract --touch --directory="$tree" || exit 2
python3 - "$tree" <<'PYTHON' || exit 2
import pathlib, re, sys

tree = pathlib.Path(sys.argv[1])
manifest = (tree / 'Cargo.toml').read_text()
manifest = re.sub(r'\[\[bench\]\]\n(?:.+\n)*', '', manifest)
manifest = re.sub(r'^members = .*', 'members = ["."]', manifest, flags=re.M)
manifest = re.sub(r'^criterion = .*\n', '', manifest, flags=re.M)
manifest = manifest.replace('autoexamples = false', 'autoexamples = false\nautotests = false')
# The quick chapters in which a mutant of a layer shows first.
layers = {
    'words': 'words mask utf8 text closing handshake_server extension_header settings timers lengths',
    'frame': 'framing fragmentation control text level1 misuse lengths limits closing output',
    'message': 'parts large fragmentation text conversions output',
    'connection': 'closing control timers output halves holding large parts misuse counters settings deflate',
    'handshake': 'handshake_client handshake_server handshake_http handshake_h2 handshake_extensions handshake_split',
    'extension': 'deflate deflate_negotiation extension_header',
}
for name in ['all', 'handshake_cost', *(f'of_{layer}' for layer in layers)]:
    manifest += f'\n[[test]]\nname = "{name}"\n'
# Nobody debugs a mutant; and in what the package depends on, built once, most of the tests' time would be spent.
manifest += '\n[profile.dev]\ndebug = 0\n\n[profile.dev.package."*"]\nopt-level = 3\n'
(tree / 'Cargo.toml').write_text(manifest)

tests = tree / 'tests'
chapters = {file.stem: file for file in tests.glob('*.rs')}
chapters |= {file.parent.name: file for file in tests.glob('*/main.rs')}
allocator = re.compile(r'#\[global_allocator\]\nstatic (\w+): Counting = Counting;\n')
shared = '|'.join(sorted(file.parent.name for file in tests.glob('*/mod.rs') if file.parent.name not in chapters))
for name in chapters.keys() - {'autobahn', 'handshake_cost', 'live', 'simulation'}:
    text = allocator.sub('', chapters[name].read_text())
    text = re.sub(rf'^mod ({shared});', r'#[allow(unused_imports)]\nuse crate::\1;', text, flags=re.M)
    chapters[name].write_text(text)

def write(program, names):
    text = ['#![allow(dead_code, reason = "a part of the shared modules is used")]\n']
    text += [f'mod {name};\n' for name in shared.split('|')]
    text += ['#[global_allocator]\nstatic ALLOCATOR: allocations::Counting = allocations::Counting;\n']
    text += [f'#[path = "{chapters[name].relative_to(tests)}"]\nmod {name};\n' for name in names]
    (tests / f'{program}.rs').write_text(''.join(text))

write('all', sorted(chapters.keys() - {'autobahn', 'handshake_cost', 'live', 'simulation'}))
for layer, names in layers.items():
    write(f'of_{layer}', names.split())
PYTHON

# What takes longer than a second or two: the splits, the properties, and the chapters that count.
slow=(splits:: reference:: roundtrip:: handshake_split:: deflate_properties:: bomb
  bounds:: deflate_memory:: memory:: work::
  mask::every_length mask::large mask::one_octet utf8::any utf8::every_code_point utf8::every_three utf8::wrong_octet)
layers=(--file 'src/words/**' --file 'src/frame/**' --file 'src/message/**' --file 'src/connection/**'
  --file 'src/handshake/**' --file 'src/extension/**')

# One phase: its name, the arguments for cargo-mutants, `--`, the arguments for the tests.
phase() {
  local results=$out/$1
  shift
  rm -rf "$results"
  mkdir -p "$results"
  (cd "$tree" && cargo mutants --in-place --features deflate,http --minimum-test-timeout 20 \
    --colors never --output "$results" "$@")
  # 0: all caught; 2: some missed; 3: some timed out.
  case $? in 0 | 2 | 3) ;; 4) exit 3 ;; *) exit 2 ;; esac
}

(cd "$tree" && cargo mutants --list --colors never "${layers[@]}") >"$out/list.txt" || exit 2

# Arguments by which cargo-mutants tries just the mutants whose names are read.
exactly() {
  again=()
  while IFS= read -r name; do
    again+=(--file "${name%%:*}" --re "$(python3 -c 'import re, sys; print("^" + re.escape(sys.argv[1]) + "$")' "$name")")
  done
}

if [[ -n $some ]]; then
  # Every Nth of those that a test can tell from the code as it is.
  python3 - "$some" "$out/list.txt" tests/mutants.txt >"$out/some.txt" <<'PYTHON' || exit 2
import collections, pathlib, re, sys

known = {line for line in pathlib.Path(sys.argv[3]).read_text().splitlines() if line.startswith('src/')}
names, seen = [], collections.Counter()
for name in pathlib.Path(sys.argv[2]).read_text().splitlines():
    short = re.sub(r':\d+:\d+:', ':', name)
    seen[short] += 1
    if (short if seen[short] == 1 else f'{short} ({seen[short]})') not in known:
        names.append(name)
print(*names[::-(-len(names) // int(sys.argv[1]))], sep='\n')
PYTHON
  rm -rf "$out/quick"
  mkdir -p "$out/quick/mutants.out"
  for layer in words frame message connection handshake extension; do
    exactly < <(grep "^src/$layer/" "$out/some.txt")
    [[ ${#again[@]} -gt 0 ]] || continue
    echo "with the tests of $layer"
    more=()
    [[ $layer != handshake ]] || more=(--test handshake_cost)
    phase "$layer" "${again[@]}" -- --test "of_$layer" "${more[@]}" -- "${slow[@]/#/--skip=}"
    for result in missed caught timeout unviable; do
      cat "$out/$layer/mutants.out/$result.txt" >>"$out/quick/mutants.out/$result.txt"
    done
  done
else
  echo "with the quick tests"
  phase quick "${layers[@]}" "${shards[@]}" "${filters[@]}" -- --lib --test all --test handshake_cost -- "${slow[@]/#/--skip=}"
fi
missed=$out/quick/mutants.out/missed.txt
if [[ -s $missed ]]; then
  echo "with every test, $(wc -l <"$missed") mutants that were missed"
  exactly <"$missed"
  phase full "${again[@]}" -- --lib --test all --test handshake_cost
else
  rm -rf "$out/full"
fi

python3 - "$out" tests/mutants.txt <<'PYTHON'
import collections, pathlib, re, sys

out, known = map(pathlib.Path, sys.argv[1:])
def names(phase, result):
    file = out / phase / 'mutants.out' / f'{result}.txt'
    return file.read_text().splitlines() if file.exists() else []

# In the list of the equivalent ones a mutant has no line and column, but a number from the second of the same name on. A line that
# is indented is a reason.
known = {line for line in known.read_text().splitlines() if line.startswith('src/')}
listed, seen = {}, collections.Counter()
for name in (out / 'list.txt').read_text().splitlines():
    short = re.sub(r':\d+:\d+:', ':', name)
    seen[short] += 1
    listed[name] = short if seen[short] == 1 else f'{short} ({seen[short]})'
# The second phase tries mutants that delete a field again, whether they were missed or not.
first = names('quick', 'missed')
missed = [name for name in first if name in names('full', 'missed')]
equivalent = [name for name in missed if listed[name] in known]
others = [name for name in missed if name not in equivalent]
timeouts = len(names('quick', 'timeout')) + len(set(first).intersection(names('full', 'timeout')))
caught = len(names('quick', 'caught')) + len(set(first).intersection(names('full', 'caught')))
unviable = len(names('quick', 'unviable'))
print(f'tested {caught + timeouts + unviable + len(missed)}: caught {caught}, timeouts {timeouts}, '
      f'unviable {unviable}, missed {len(missed)}, of which equivalent {len(equivalent)}')
for name in others:
    print(f'not caught: {name}')
for name in known - set(listed.values()):
    print(f'in the list, but no mutant any more: {name}')
sys.exit(1 if others else 0)
PYTHON
