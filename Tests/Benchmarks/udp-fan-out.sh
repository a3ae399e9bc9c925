#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
#
# Compares the UDP fan-out of `luar serve` with udp-floor.c, the least a relay can do, or with another luar: the two in
# turn, under the same load (fanload.c: one publisher, 64 bytes), on loopback.
#
#   Tests/Benchmarks/udp-fan-out.sh [ROUNDS [SECONDS [SUBSCRIBERS...]]]     (default 5 rounds of 4 s, 10 and 100)
#
#   LUAR=PATH      the luar to measure (default .build/release/luar)
#   AGAINST=PATH   another luar to compare it with (default: udp-floor.c)
#
# Prints every run, the ratios of each pair, and the medians of the ratios. Quote ratios, because machines are noisy.
# Needs cc and a release build.
set -euo pipefail
cd "$(dirname "$0")/../.."
. Tests/Benchmarks/servers.sh
rounds=${1:-5}
seconds=${2:-4}
subscribers=("${@:3}")
[ ${#subscribers[@]} -gt 0 ] || subscribers=(10 100)
luar=${LUAR:-.build/release/luar}
other_name=floor
[ -z "${AGAINST:-}" ] || other_name=against
port=12610
other_port=16610
need cc
need_luar "$luar"
[ -z "${AGAINST:-}" ] || need_luar "$AGAINST"
need_free udp "$port"
need_free udp "$other_port"
cc -O2 -Wall -Wextra -o "$work/fanload" Tests/Benchmarks/fanload.c
cc -O2 -Wall -Wextra -o "$work/udp-floor" Tests/Benchmarks/udp-floor.c

serve() { exec "$1" serve --quiet --log-level error --no-tcp --udp "127.0.0.1:$2" --join-rate 10000; }

# Each load has servers of its own: none may send to clients that an earlier load left behind.
load() {
  local name=$1 count=$2 pid at=$other_port
  case $name in
    luar) at=$port; serve "$luar" "$at" & ;;
    against) serve "$AGAINST" "$at" & ;;
    floor) "$work/udp-floor" "$at" & ;;
  esac
  pid=$!
  pids=("$pid")
  wait_for udp "$at" "$pid"
  "$work/fanload" -m udp -p "$at" -n "$count" -P 1 -s 64 -t "$seconds" -k "$pid"
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  pids=()
}

for count in "${subscribers[@]}"; do
  rm -f "$work/rates" "$work/delays"
  for ((round = 1; round <= rounds; round++)); do
    a=$(load luar "$count")
    b=$(load "$other_name" "$count")
    rate=$(ratio "$(field "$a" deliveries/s)" "$(field "$b" deliveries/s)")
    delay=$(ratio "$(field "$a" p50)" "$(field "$b" p50)")
    echo "$rate" >>"$work/rates"
    echo "$delay" >>"$work/delays"
    printf 'luar     %s\n%-8s %s\n%d subscribers, round %d: luar / %s: deliveries %s, p50 delay %s\n' \
      "$a" "$other_name" "$b" "$count" "$round" "$other_name" "$rate" "$delay"
  done
  printf '%d subscribers, median of %d rounds: luar / %s: deliveries %s, p50 delay %s\n' \
    "$count" "$rounds" "$other_name" "$(median <"$work/rates")" "$(median <"$work/delays")"
done
