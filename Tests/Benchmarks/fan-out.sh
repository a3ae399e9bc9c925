#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
#
# Compares the TCP fan-out of `luar serve` with Redis pub/sub, or with another luar: the two in turn, under the same load
# (fanload.c: one publisher, 64 bytes), on loopback.
#
#   Tests/Benchmarks/fan-out.sh [ROUNDS [SECONDS [SUBSCRIBERS]]]     (default 5 rounds of 4 s, 100 subscribers)
#
#   LUAR=PATH      the luar to measure (default .build/release/luar)
#   AGAINST=PATH   another luar to compare it with, such as one of an older commit (default: redis-server)
#
# Prints every run, the ratio of the deliveries of each pair, and the median of the ratios. Quote ratios, because machines
# are noisy. Needs cc, a release build, and redis-server unless AGAINST is set.
set -euo pipefail
cd "$(dirname "$0")/../.."
. Tests/Benchmarks/servers.sh
rounds=${1:-5}
seconds=${2:-4}
subscribers=${3:-100}
luar=${LUAR:-.build/release/luar}
port=12600
other_port=16600
need cc
need_luar "$luar"
if [ -n "${AGAINST:-}" ]; then need_luar "$AGAINST"; else need redis-server; fi
need_free tcp "$port"
need_free tcp "$other_port"
cc -O2 -Wall -Wextra -o "$work/fanload" Tests/Benchmarks/fanload.c

serve() { exec "$1" serve --quiet --log-level error --no-udp --tcp "127.0.0.1:$2"; }
serve "$luar" "$port" &
server=$!
pids+=("$server")
if [ -n "${AGAINST:-}" ]; then
  other_name=against other_mode=line
  serve "$AGAINST" "$other_port" &
else
  other_name=redis other_mode=redis
  redis-server --port "$other_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work" >"$work/redis.log" &
fi
other=$!
pids+=("$other")
wait_for tcp "$port" "$server"
wait_for tcp "$other_port" "$other"

# $1 protocol, $2 port, $3 process, $4 seconds
load() { "$work/fanload" -m "$1" -p "$2" -n "$subscribers" -P 1 -s 64 -t "$4" -k "$3"; }

# The first load of a process is slower.
load line "$port" "$server" 1 >/dev/null
load "$other_mode" "$other_port" "$other" 1 >/dev/null
for ((round = 1; round <= rounds; round++)); do
  a=$(load line "$port" "$server" "$seconds")
  b=$(load "$other_mode" "$other_port" "$other" "$seconds")
  rates=$(ratio "$(field "$a" deliveries/s)" "$(field "$b" deliveries/s)")
  echo "$rates" >>"$work/ratios"
  printf 'luar     %s\n%-8s %s\nround %d: luar / %s = %s\n' "$a" "$other_name" "$b" "$round" "$other_name" "$rates"
done
printf 'median of %d rounds: luar / %s = %s\n' "$rounds" "$other_name" "$(median <"$work/ratios")"
