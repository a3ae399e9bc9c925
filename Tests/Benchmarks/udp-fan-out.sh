#!/usr/bin/env bash
# Compares the UDP fan-out of `luar serve` with udp-floor.c, the least a relay can do: the two in turn, under the same
# load, on loopback.
#
#   Tests/Benchmarks/udp-fan-out.sh [FANLOAD_C [ROUNDS [SECONDS [SUBSCRIBERS...]]]]
#
# FANLOAD_C is the source of the load generator (default ../shared/tools/fanload.c). Needs a release build and a C
# compiler. Prints every run and the ratios of each pair: quote ratios, as machines are noisy.
set -euo pipefail
cd "$(dirname "$0")/../.."
source=${1:-../shared/tools/fanload.c}
rounds=${2:-5}
seconds=${3:-4}
subscribers=("${@:4}")
[ ${#subscribers[@]} -gt 0 ] || subscribers=(10 100)
luar_port=12610
floor_port=16610
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT

cc -O2 -w -o "$work/fanload" "$source"
cc -O2 -Wall -Wextra -o "$work/udp-floor" Tests/Benchmarks/udp-floor.c

# Each load has servers of its own: neither may send to those that the load before it left behind.
load() {
  local name=$1 count=$2 pid port
  if [ "$name" = luar ]; then
    port=$luar_port
    .build/release/luar serve --quiet --log-level error --no-tcp --udp "127.0.0.1:$port" --join-rate 10000 &
  else
    port=$floor_port
    "$work/udp-floor" "$port" &
  fi
  pid=$!
  pids=("$pid")
  sleep 0.5
  "$work/fanload" -m udp -p "$port" -n "$count" -P 1 -s 64 -t "$seconds" -k "$pid"
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  pids=()
}
field() { sed "s|.*$2=\([0-9]*\).*|\1|" <<<"$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b ? a / b : 0 }'; }

for count in "${subscribers[@]}"; do
  for ((round = 1; round <= rounds; round++)); do
    a=$(load luar "$count")
    b=$(load floor "$count")
    printf '%s\n%s\n%d subscribers, round %d: luar / floor: deliveries %s, p50 latency %s\n' "$a" "$b" "$count" "$round" \
      "$(ratio "$(field "$a" deliveries/s)" "$(field "$b" deliveries/s)")" "$(ratio "$(field "$a" p50)" "$(field "$b" p50)")"
  done
done
