// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import Foundation
internal import LineOutput
internal import RelayCore
internal import RelayHooks
internal import RelayHost

#if canImport(Glibc)
internal import Glibc
#endif

/// `luar status`: shows how a running relay is, and what each hook costs.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how the running relay is, and what each hook costs.",
        discussion: """
            Rates are those of the last second. CPU times are of the first thousand runs of hooks, and then of one in 64: half of \
            the calls, and 99 of a hundred, took no longer.
            """
    )

    @Flag(help: "Show it again every second, until Ctrl-C.")
    var watch = false

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup
    var target: ControlTarget

    func run() async throws {
        do {
            let path = try self.target.path()
            var last = try await ControlClient.status(path)
            if self.json, !self.watch { return try StandardOutput.write(json: last) }
            repeat {
                // Rates need two looks.
                try await Task.sleep(for: .seconds(1))
                let now = try await ControlClient.status(path)
                if self.json {
                    try StandardOutput.write(json: now)
                } else {
                    let isScreen = self.watch && isatty(STDOUT_FILENO) == 1
                    // From the top of an empty screen (ECMA-48).
                    try StandardOutput.write((isScreen ? "\u{1B}[H\u{1B}[J" : "") + Self.text(now, since: last))
                }
                last = now
            } while self.watch
        } catch {
            throw Failure.report(error)
        }
    }

    /// The status as a person reads it.
    private static func text(_ status: RelayStatus, since earlier: RelayStatus) -> String {
        let counters = status.counters
        let rate = { (counter: KeyPath<Counters, Int>) in Self.number(status.rate(counter, since: earlier)) }
        var all = Table("RELAY", "NOW", "A SECOND", "LIMIT")
        all.add("clients", "\(status.clients)", "", "\(status.clientLimit)")
        if status.clientsPendingAdmission > 0 { all.add("not let in yet", "\(status.clientsPendingAdmission)") }
        all.add("rooms", "\(status.roomCount)")
        all.add("messages", "\(counters.messages)", rate(\.messages))
        all.add("deliveries", "\(counters.deliveries)", rate(\.deliveries))
        all.add("pings", "\(counters.pings)", rate(\.pings))
        all.add("Lua memory", Self.size(status.luaMemory), "", Self.size(status.luaMemoryLimit))
        all.add("timers", "\(status.timers)", "", "\(status.timerLimit)")
        all.add("mails waiting", "\(status.mailsWaiting)")
        let troubles = [
            ("too long", counters.tooLong), ("refused", counters.refused), ("slow", counters.slowDisconnected),
            ("missed by slow ones", counters.slowDropped), ("replaced", counters.replaced),
        ]
        for (name, count) in troubles where count > 0 { all.add(name, "\(count)") }
        var parts = [
            "luar \(LineEscaping.escaped(status.version)), process \(status.process), up \(Self.span(status.uptime))\n",
            all.text,
        ]
        if !status.rooms.isEmpty {
            var rooms = Table("ROOM", "CLIENTS")
            for room in status.rooms { rooms.add(room.name, "\(room.clients)") }
            let more = max(0, status.roomCount) - status.rooms.count
            parts.append(rooms.text + (more > 0 ? "and \(more) more\n" : ""))
        }
        if !status.hooks.isEmpty {
            var hooks = Table("HOOK", "CALLS", "FAILED", "PAUSED", "CPU P50", "P99", "MAX", "MEMORY", "WHERE")
            for hook in status.hooks {
                hooks.add(
                    hook.event,
                    "\(hook.calls)",
                    "\(hook.failures)",
                    hook.isPaused ? "\(hook.pauses), now" : "\(hook.pauses)",
                    CPUTime.text(hook.p50),
                    CPUTime.text(hook.p99),
                    CPUTime.text(hook.max),
                    Self.size(hook.memory),
                    hook.place
                )
            }
            parts.append(hooks.text)
        }
        if !status.metrics.isEmpty {
            var metrics = Table("METRIC", "VALUE", "LABELS")
            for metric in status.metrics {
                let labels = metric.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                metrics.add(metric.name, Self.number(metric.value), labels.joined(separator: " "))
            }
            parts.append(metrics.text)
        }
        return parts.joined(separator: "\n")
    }

    private static func number(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : String(format: "%.1f", number)
    }

    private static func size(_ bytes: Int) -> String {
        switch bytes {
        case ..<1_024: "\(bytes) B"
        case ..<(1 << 20): String(format: "%.1f KiB", Double(bytes) / 1_024)
        default: String(format: "%.1f MiB", Double(bytes) / Double(1 << 20))
        }
    }

    private static func span(_ seconds: Double) -> String {
        // Who answers may say anything.
        guard (0..<1e12).contains(seconds) else { return "?" }
        let whole = Int(seconds)
        let (days, clock) = (whole / 86_400, whole % 86_400)
        let time = String(format: "%02d:%02d:%02d", clock / 3_600, clock / 60 % 60, clock % 60)
        return days > 0 ? "\(days) d \(time)" : time
    }
}
