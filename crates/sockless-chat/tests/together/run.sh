#!/bin/sh
# The long form of the tests of many servers: a release build, five minutes at about 2,000 messages a second, everything that can happen
# to servers, Redis and the network between them happening in turn, judged at the end. Then the simulation. Figures are printed.
#
# The network is cut where that is allowed, which takes root (`ip netns`). SOCKLESS_SKIPPED=FILE lets the rest run without; the skipped cuts are counted.
#
#   run.sh [MINUTES [MESSAGES A SECOND [SEEDS]]]
set -eu
cd "$(dirname "$0")/../../../.."
minutes=${1:-5} rate=${2:-2000} seeds=${3:-100000}
# A user may do 5 things a second; each speaks 4 times. A round has twelve parts, with some seconds more for Redis and the network.
users=$((rate / 4)) rounds=${ROUNDS:-3}
talk=$((minutes * 60000 / rounds / 12))
export CARGO_INCREMENTAL=0
SOCKLESS_USERS=$users SOCKLESS_A_ROOM=10 SOCKLESS_PAUSE_MS=250 SOCKLESS_TALK_MS=$talk SOCKLESS_ROUNDS=$rounds \
  cargo test --release -p sockless-chat --test together servers_and_redis -- --nocapture
SOCKLESS_SEEDS=$seeds cargo test --release -p sockless-chat --test together simulation -- --nocapture
