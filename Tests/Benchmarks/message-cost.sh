#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
#
# Prints how many instructions one chat message costs from the hub's `receive` to the bytes for each reader: hub, hooks
# and stock scripts, without sockets. Valgrind counts instructions, so the figures do not depend on the machine's load: they
# differ by less than 0.1 % between runs, because Lua seeds the hashes of its strings with the time.
#
#   Tests/Benchmarks/message-cost.sh [READERS...]
#
# READERS: the numbers of readers (default 1 10 100). Each case runs twice, with N1 and with N2 messages; the difference
# leaves out the start of the program: (I2 - I1) / (N2 - N1).
#
# Needs swift, valgrind and strip. Builds the program MessageCost in release mode.
set -euo pipefail
cd "$(dirname "$0")/../.."
readers=("$@")
[ ${#readers[@]} -gt 0 ] || readers=(1 10 100)
n1=1280
n2=6400
. Tests/Benchmarks/servers.sh
need swift valgrind strip
swift build -c release --product MessageCost >&2
# Valgrind 3.19 cannot read the debugging information that swift writes (DWARF 5), and does not need it.
strip --strip-debug -o "$work/MessageCost" "$(swift build -c release --show-bin-path)/MessageCost"

# The instructions of one run: $1 readers, $2 messages.
instructions() {
  # Swift's hashes must be the same in every run.
  SWIFT_DETERMINISTIC_HASHING=1 valgrind --tool=callgrind --callgrind-out-file="$work/out" "$work/MessageCost" "$1" "$2" \
    2>"$work/log" || fail "valgrind failed: $(cat "$work/log")"
  sed -n 's/^totals: \([0-9]*\).*/\1/p' "$work/out"
}

for count in "${readers[@]}"; do
  i1=$(instructions "$count" "$n1")
  i2=$(instructions "$count" "$n2")
  printf '%4d readers: %d instructions per message\n' "$count" $(((i2 - i1) / (n2 - n1)))
done
