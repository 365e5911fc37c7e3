#!/usr/bin/env bash
# Mutation testing by a sample, in minutes.
#
#   tests/mutants.sh COUNT    at most this number of mutants, evenly over all that .cargo/mutants.toml names
#   tests/mutants.sh fixed    those of tests/mutants.txt, whatever has become of the lines that they are on
#
# Tries each with the tests of its part of the library. What they miss is tried once more with every test.
#
# All mutants take many hours: `cargo mutants -C--lib -C--tests`, or a part of them by its option `--shard`.
#
# The mutants are built in a copy of the repository, target/mutants/tree, whose own target directory is kept from run to run.
# Needs cargo-mutants 27 (`cargo install --locked cargo-mutants`, or the same with `--root target/tools`), python3 and git.
# Exit status: 0 every mutant was caught; 1 one wasn't, or a fixed one is not to be had any more; 2 something is missing, or a wrong call; 3 the build or the tests fail as they are.
set -uo pipefail
cd "$(dirname "$0")/.."

which=${1-}
[[ $# -eq 1 && $which =~ ^([1-9][0-9]*|fixed)$ ]] || { echo "usage: tests/mutants.sh COUNT|fixed" >&2; exit 2; }
# A fifth of the random cases: every mutant that the first tests miss has to wait for them.
export PATH="$PWD/target/tools/bin:$PATH" CARGO_INCREMENTAL=1 SOCKLESS_CASES=0.2
for tool in cargo python3 git; do
  command -v "$tool" >/dev/null || { echo "missing: $tool" >&2; exit 2; }
done
cargo mutants --version >/dev/null 2>&1 ||
  { echo "missing: cargo-mutants (cargo install --locked cargo-mutants)" >&2; exit 2; }

out=$PWD/target/mutants
tree=$out/tree
mkdir -p "$tree"
# What was mutated last may be newer than what is copied: so all of it has the time of now.
find "$tree" -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  [[ ! -f $file ]] || printf '%s\0' "$file"
done | tar --create --null --files-from=- | tar --extract --touch --directory="$tree" || exit 2
cd "$tree"

cargo mutants --list --colors never >"$out/list.txt" || exit 2
python3 - "$which" "$out/list.txt" tests/mutants.txt >"$out/sample.txt" <<'PYTHON' || exit 1
import pathlib, re, sys

which = sys.argv[1]
names, fixed = (pathlib.Path(path).read_text().splitlines() for path in sys.argv[2:])
if which == "fixed":
    fixed = [name for name in fixed if name and not name.startswith("#")]
    bare = {re.sub(r"^([^:]+):\d+:\d+: ", r"\1: ", name): name for name in reversed(names)}
    if gone := [name for name in fixed if name not in bare]:
        sys.exit("tests/mutants.txt names what is no mutant any more:\n" + "\n".join(gone))
    print(*(bare[name] for name in fixed), sep="\n")
else:
    print(*names[::-(-len(names) // int(which))], sep="\n")
PYTHON

# try RESULTS LIST ARGUMENTS...: tries the mutants of a list, with these arguments for cargo: to build as well as to run, so that nothing
# else is built. The tests have to pass as they are first.
try() {
  local results=$out/$1 list=$2 only=()
  shift 2
  rm -rf "$results"
  mkdir -p "$results"
  [[ -s $list ]] || return 0
  # All other files are excluded too: cargo-mutants tries mutants that delete a field whatever their names are.
  mapfile -t only < <(python3 - "$list" "$out/list.txt" <<'PYTHON'
import pathlib, re, sys

wanted, listed = (pathlib.Path(path).read_text().splitlines() for path in sys.argv[1:])
for name in wanted:
    print('--re', f'^{re.escape(name)}$', sep='\n')
for file in sorted({name.split(':')[0] for name in listed} - {name.split(':')[0] for name in wanted}):
    print('--exclude', file, sep='\n')
PYTHON
  )
  cargo mutants --in-place --colors never --output "$results" "${only[@]}" "${@/#/--cargo-arg=}"
  # 0: all caught; 2: some missed; 3: some timed out.
  case $? in 0 | 2 | 3) ;; 4) exit 3 ;; *) exit 2 ;; esac
}

: >"$out/missed.txt"
for part in connection handshake compression; do
  case $part in
    connection) directories='words|frame|message|connection' ;;
    handshake) directories=handshake ;;
    compression) directories=extension ;;
  esac
  grep -E "^src/($directories)/" "$out/sample.txt" >"$out/$part.txt"
  echo "$(wc -l <"$out/$part.txt") mutants with the tests of $part"
  try "$part" "$out/$part.txt" "--test=$part"
  cat "$out/$part/mutants.out/missed.txt" >>"$out/missed.txt" 2>/dev/null
done
if [[ -s $out/missed.txt ]]; then
  echo "$(wc -l <"$out/missed.txt") mutants that these miss, with every test"
  try every "$out/missed.txt" --lib --tests
  [[ ! -s $out/every/mutants.out/missed.txt ]] || exit 1
fi
echo "$(wc -l <"$out/sample.txt") mutants, and every one is caught"
