#!/usr/bin/env bash
# Compares the fan-out of `luar serve` with Redis pub/sub: the two in turn, under the same load, on loopback.
#
#   Tests/Benchmarks/fan-out.sh [FANLOAD_C [ROUNDS [SECONDS]]]
#
# FANLOAD_C is the source of the load generator (default ../shared/tools/fanload.c). Needs a release build, a C compiler
# and redis-server. Prints every run and the ratio of each pair: quote ratios, as machines are noisy.
set -euo pipefail
cd "$(dirname "$0")/../.."
source=${1:-../shared/tools/fanload.c}
rounds=${2:-5}
seconds=${3:-4}
luar_port=12600
redis_port=16600
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT

cc -O2 -w -o "$work/fanload" "$source"
.build/release/luar serve --quiet --log-level error --tcp "127.0.0.1:$luar_port" &
luar=$!
pids+=("$luar")
redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work" >"$work/redis.log" &
redis=$!
pids+=("$redis")
sleep 1

load() { "$work/fanload" -m "$1" -p "$2" -n 100 -P 1 -s 64 -t "$seconds" -k "$3"; }
rate() { sed 's/.*deliveries\/s=\([0-9]*\).*/\1/' <<<"$1"; }

load line "$luar_port" "$luar" >/dev/null
load redis "$redis_port" "$redis" >/dev/null
for ((round = 1; round <= rounds; round++)); do
  a=$(load line "$luar_port" "$luar")
  b=$(load redis "$redis_port" "$redis")
  printf '%s\n%s\nround %d: luar / redis = %s\n' "$a" "$b" "$round" \
    "$(awk -v a="$(rate "$a")" -v b="$(rate "$b")" 'BEGIN { printf "%.2f", a / b }')"
done
