#!/usr/bin/env bash
# Prints how exact the monitor's round-trip times are: against the clock of a responder on loopback that answers after
# known delays, and how far its slots drift.
#
#   Tests/Benchmarks/monitor-accuracy.sh [SWIFT_TEST_OPTION...]
#
# Options go to `swift test`: `-c release -Xswiftc -enable-testing` for a release build, `--skip-build` for the last one.
# Takes about a minute. Machines are noisy: the load average is printed, too.
set -euo pipefail
cd "$(dirname "$0")/../.."
uptime
MONITOR_ACCURACY=1 timeout -k 1 600 swift test --disable-xctest --filter 'MonitorAccuracy' "$@" 2>&1 |
  grep -E '^(Error|delay|Drift|How| +([0-9]+|all) )|✘|error:'
uptime
