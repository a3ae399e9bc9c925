#!/usr/bin/env bash
# Checks on the wire what the original's report captured: a participant's 26 bytes reach the other one as 53, a ping is
# answered by itself, and the file of `luar serve --pcap` tells the same as tcpdump does.
#
#   Tests/Capture/udp-capture.sh [LUAR [FIRST_PORT [SECOND_PORT]]]
#
# Needs python3 and tcpdump, and the right to capture on the loopback interface; without that it says so and exits with 77.
set -euo pipefail
cd "$(dirname "$0")/../.."
luar=$(realpath "${1:-.build/release/luar}")
first=${2:-8158}
second=${3:-8622}
work=$(mktemp -d)
pids=()
finish() {
  # Whoever started this may have blocked signals.
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT
fail() {
  echo "udp-capture: $1" >&2
  exit 1
}
# Waits until a file has a text.
until_has() {
  for _ in $(seq 200); do
    grep -q -- "$2" "$1" 2>/dev/null && return
    sleep 0.05
  done
  fail "'$2' never came in $1: $(cat "$1")"
}

cd "$work"
"$luar" serve --no-tcp --udp 127.0.0.1:0 --log-level info --pcap own.pcap >console 2>log &
relay=$!
pids+=("$relay")
until_has log 'listening udp.address='
port=$(sed -n 's/.*udp\.address=127\.0\.0\.1:\([0-9]*\).*/\1/p' log)

tcpdump -i lo --immediate-mode -U -n -w wire.pcap "udp port $port" 2>tcpdump.log &
dump=$!
pids+=("$dump")
for _ in $(seq 100); do
  grep -q 'listening on' tcpdump.log && break
  if ! kill -0 "$dump" 2>/dev/null; then
    echo "udp-capture: not permitted to capture here: $(cat tcpdump.log)" >&2
    exit 77
  fi
  sleep 0.05
done

python3 - "$port" "$first" "$second" <<'PYTHON'
import socket
import sys

relay, first, second = (int(argument) for argument in sys.argv[1:])


def client(port):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind(("127.0.0.1", port))
    client.settimeout(10)
    return client


ana, bia, monitor = client(first), client(second), client(0)
hello = "Novo participante no chat.".encode()
ana.sendto(hello, ("127.0.0.1", relay))
# The answer shows that the first one is in.
ana.sendto(b"ping", ("127.0.0.1", relay))
assert ana.recv(100) == b"ping"
bia.sendto(hello, ("127.0.0.1", relay))
assert ana.recv(100) == f"('127.0.0.1', {second}) disse: Novo participante no chat.".encode()
monitor.sendto(b"ping", ("127.0.0.1", relay))
assert monitor.recv(100) == b"ping"
print(monitor.getsockname()[1])
PYTHON

# Addresses and lengths. From standard input, because tcpdump may not read files as the user it becomes.
list() { tcpdump -r - -n -q -t -A <"$1" 2>/dev/null | grep -aoE '127\.0\.0\.1\.[0-9]+ > 127\.0\.0\.1\.[0-9]+: UDP, length [0-9]+'; }
# Every packet is in the file as soon as tcpdump has it (-U).
for _ in $(seq 200); do
  [ "$(list wire.pcap | wc -l)" -lt 7 ] || break
  sleep 0.05
done
kill -KILL "$dump"
wait "$dump" || true
kill "$relay"
wait "$relay"

list wire.pcap >wire
list own.pcap >own
diff -u wire own || fail "the relay's own capture differs from tcpdump's"

at() { sed -n "$1p" wire; }
[ "$(at 1)" = "127.0.0.1.$first > 127.0.0.1.$port: UDP, length 26" ] || fail "first packet: $(at 1)"
[ "$(at 4)" = "127.0.0.1.$second > 127.0.0.1.$port: UDP, length 26" ] || fail "fourth packet: $(at 4)"
[ "$(at 5)" = "127.0.0.1.$port > 127.0.0.1.$first: UDP, length 53" ] || fail "fifth packet: $(at 5)"
[ "$(wc -l <wire)" = 7 ] || fail "7 packets, not $(wc -l <wire)"
want="('127.0.0.1', $second) disse: Novo participante no chat."
for file in wire.pcap own.pcap; do
  tcpdump -r - -n -A <"$file" 2>/dev/null | grep -aqF -- "$want" || fail "$file does not have: $want"
done
if tcpdump -r - -n -v <own.pcap 2>/dev/null | grep -a 'bad'; then fail "checksums are wrong"; fi
cat wire
echo "udp-capture: 26 bytes became 53, pings were answered, and both captures agree"
