#!/bin/sh
# Builds the broadcast server on uWebSockets, which is C++ and is fetched by its commit.
#
#   benches/peers/uwebsockets/build.sh PROGRAM    writes the program to this path
#
# UWEBSOCKETS and USOCKETS name other repositories to fetch the same commits from, as addresses or directories. It needs git, a C and a C++
# compiler and zlib. Exit status: 0 if the program is there, 3 if something is missing, which is said: the comparison goes on without it.
set -eu

version=v20.79.0
websockets=fe7c01a477b688a7743f754fee33bdd78d52ad91
sockets=86097c490263ab662d62e8e7b541390bdec7d149

program=${1:?usage: $0 PROGRAM}
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
work=$here/../target/uwebsockets
[ "$program" -nt "$here/main.cpp" ] && [ "$program" -nt "$0" ] && exit 0

missing() {
    echo "uWebSockets takes no part: $*" >&2
    rm -f "$program"
    exit 3
}

# The files of a commit, without its history.
fetch() {
    rm -rf "$work/$1"
    mkdir -p "$work/$1"
    git -C "$work/$1" init -q
    GIT_TERMINAL_PROMPT=0 timeout 120 git -C "$work/$1" fetch -q --depth 1 "$2" "$3" || return 1
    git -C "$work/$1" checkout -q FETCH_HEAD
}

for tool in git gcc g++; do
    command -v $tool >/dev/null || missing "$tool is missing"
done
mkdir -p "$work"
fetch uWebSockets "${UWEBSOCKETS:-https://github.com/uNetworking/uWebSockets}" $websockets || missing "$version can't be fetched"
fetch uSockets "${USOCKETS:-https://github.com/uNetworking/uSockets}" $sockets || missing "its uSockets can't be fetched"
cd "$work"
for file in uSockets/src/*.c uSockets/src/eventing/*.c; do
    gcc -c -O3 -DLIBUS_NO_SSL -IuSockets/src "$file" -o "$(basename "$file").o" || missing "it doesn't compile"
done
# zlib's header among others.
g++ -std=c++20 -O3 -DLIBUS_NO_SSL -IuSockets/src -IuWebSockets/src "$here/main.cpp" ./*.o -lz -o program || missing "it doesn't compile"
mkdir -p "$(dirname "$program")"
mv program "$program"
