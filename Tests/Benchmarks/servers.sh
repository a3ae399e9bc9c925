# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the Luar authors
#
# What the benchmark scripts share; they source it. Sets `work`, a temporary folder that is removed at the end, together
# with the servers that were started.
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT

fail() {
  echo "$(basename "$0"): $1" >&2
  exit 1
}

# The Debian packages of programs with another name.
declare -A packages=([cc]=gcc [strip]=binutils)

# Fails unless each of these programs is installed.
need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || fail "$program is not installed (on Debian: apt-get install ${packages[$program]:-$program})"
  done
}
# Fails unless $1 is a luar that can be run.
need_luar() { [ -x "$1" ] || fail "'$1' does not exist: run 'swift build -c release' first, or set LUAR to the path of a luar"; }

# Waits until a server listens: $1 is tcp or udp, $2 the port on 127.0.0.1, $3 the server's process.
wait_for() {
  local state='' address
  # proc(5): addresses are hexadecimal, in network byte order read as a number; state 0A is LISTEN.
  address=$(printf '0100007F:%04X' "$2")
  [ "$1" = udp ] || state=0A
  for _ in $(seq 200); do
    grep -Eq "^ *[0-9]+: $address [0-9A-F]+:[0-9A-F]+ $state" "/proc/net/$1" && return
    kill -0 "$3" 2>/dev/null || fail "the server for port $2 has ended"
    sleep 0.05
  done
  fail "nothing listens at 127.0.0.1:$2 after 10 s"
}

# Fails if something listens at this port already: $1 is tcp or udp, $2 the port on 127.0.0.1.
need_free() {
  ! grep -Eq "^ *[0-9]+: (0100007F|00000000):$(printf '%04X' "$2") 0+:0000 " "/proc/net/$1" || fail "port $2 is in use"
}

# A field of a line that fanload prints.
field() { sed "s|.*$2=\([0-9]*\).*|\1|" <<<"$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", b ? a / b : 0 }'; }
# The median of numbers, one a line.
median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.3f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
