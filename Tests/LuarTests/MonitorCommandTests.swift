// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// `luar monitor` and `luar serve --monitor` as processes.
@Suite(.timeLimit(.minutes(15))) struct MonitorCommandTests {
    /// Runs `luar monitor` in an empty folder.
    private func monitor(
        _ arguments: [String],
        files: [String: String] = [:],
        environment: [String: String] = [:],
        _ body: (Program) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder(files)
        defer { folder.remove() }
        let environment = environment.merging(["XDG_STATE_HOME": folder.path]) { own, _ in own }
        try await Program.run(
            Program.luar,
            ["monitor"] + arguments,
            in: folder.path,
            environment: environment,
            body
        )
    }

    private struct Line: Decodable {
        var event: String
        var target: String?
        var sequence: Int?
        var outcome: String?
        var rtt_ms: Double?
        var status: String?
        var level: Int?
        var slots: Int?
        var total: Total?

        struct Total: Decodable {
            var n: Int
            var lost: Int
        }
    }

    private func lines(_ program: Program) throws -> [Line] {
        try program.output.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    /// Answers pings on a port of its own after a while, until the test is over.
    private final class Responder: Sendable {
        let port: Int
        private let isOver = Atomic(false)
        private let heard = Atomic(0)

        init(after delay: Duration = .zero) throws {
            nonisolated(unsafe) let peer = try DatagramPeer(to: 0)
            self.port = peer.port
            let pause = UInt32(delay.components.seconds * 1_000_000 + delay.components.attoseconds / 1_000_000_000_000)
            Thread.detachNewThread { [self] in
                while !self.isOver.load(ordering: .relaxed) {
                    guard peer.hasMail else {
                        usleep(1_000)
                        continue
                    }
                    let ping = peer.receiveFrom()
                    self.heard.add(1, ordering: .relaxed)
                    usleep(pause)
                    peer.send(ping.bytes, to: ping.host, port: ping.port)
                }
                peer.close()
            }
        }

        /// Waits until it has heard so many pings, the last of which it has not answered yet.
        func hears(_ count: Int) throws {
            try poll("\(count) pings") { self.heard.load(ordering: .relaxed) >= count }
        }

        func end() { self.isOver.store(true, ordering: .relaxed) }
    }

    @Test func `a relay is measured, the console says what the original says, and a summary comes at the end`()
        async throws
    {
        try await LiveServe.run(["--udp", "127.0.0.1:0"]) { relay, _ in
            try relay.logs(" listening udp.address=127.0.0.1:")
            let port = try #require(relay.error.firstMatch(of: /udp\.address=127\.0\.0\.1:(\d+)/)).1
            try await self.monitor(["127.0.0.1:\(port)", "--interval", "2s", "--count", "3"]) { monitor in
                let code = try monitor.exitCode()
                #expect(code == 0)
                let pattern = #/(Conexão (Normal|Lenta|Muito Lenta)\. Latência: \d+\.\d\d ms\n){3}/#
                #expect(monitor.output.wholeMatch(of: pattern) != nil, "\(monitor.output)")
                #expect(
                    monitor.error.contains("no mail is set up, so alerts go nowhere; --mail-to ADDRESS says where to")
                )
                #expect(monitor.error.components(separatedBy: "no mail is set up").count == 2)
                #expect(monitor.error.contains("TARGET"), "\(monitor.error)")
                let row = try #require(monitor.error.firstMatch(of: #/(?m)^127\.0\.0\.1:\d+ +3 +0 \(0\.0%\) .*$/#))
                #expect(row.0.contains(port))
            }
            try relay.prints("ping\n")
        }
    }

    @Test(.enabled(if: Python.interpreter != nil, "needs python3"))
    func `the original's Python server is measured, too`() async throws {
        let port = try DatagramPeer.sparePort()
        let folder = try TemporaryFolder(["server.py": try Originals.text("udp_server.py", port: port)])
        defer { folder.remove() }
        try await Python.run(["-u", "\(folder.path)/server.py"]) { server in
            try server.prints("Servidor UDP aguardando mensagens...")
            try await self.monitor(["127.0.0.1:\(port)", "--interval", "2s", "--count", "2"]) { monitor in
                let code = try monitor.exitCode()
                #expect(code == 0)
                #expect(monitor.output.components(separatedBy: "Latência").count == 3, "\(monitor.output)")
            }
        }
    }

    /// A UDP port that nobody had a moment ago.
    @Test func `where nobody listens the outcome is refused, and the exit code says so`() async throws {
        let closed = try DatagramPeer.closed()
        try await self.monitor(["127.0.0.1:\(closed.port)", "--interval", "300ms", "--count", "4", "--json"]) {
            monitor in
            let code = try monitor.exitCode()
            #expect(code == 1)
            let lines = try self.lines(monitor)
            let samples = lines.filter { $0.event == "sample" }
            #expect(samples.map(\.outcome) == Array(repeating: "refused", count: 4))
            #expect(samples.map(\.sequence) == [1, 2, 3, 4])
            #expect(samples.allSatisfy { $0.status == "Inativa" && $0.level == 3 && $0.rtt_ms == nil })
            #expect(lines.filter { $0.event == "status" }.map(\.status) == ["Inativa"])
            #expect(lines.last?.event == "summary")
            #expect(lines.last?.total?.n == 4)
            #expect(lines.last?.total?.lost == 4)
        }
        try await self.monitor(["127.0.0.1:\(closed.port)", "--count", "1"]) { monitor in
            let code = try monitor.exitCode()
            #expect(code == 1)
            #expect(monitor.output == "Conexão Inativa.\n")
        }
    }

    @Test func `of several targets each line says which, and the last one is waited for`() async throws {
        let responder = try Responder(after: .milliseconds(300))
        defer { responder.end() }
        let closed = try DatagramPeer.closed()
        let targets = ["127.0.0.1:\(responder.port)", "localhost:\(closed.port)"]
        try await self.monitor(targets + ["--count", "1"]) { monitor in
            let code = try monitor.exitCode()
            #expect(code == 1)
            let lines = monitor.output.split(separator: "\n").sorted()
            #expect(lines.count == 2)
            #expect(lines.first?.hasPrefix("\(targets[0]): Conexão ") == true)
            #expect(lines.last == "\(targets[1]): Conexão Inativa.")
        }
    }

    @Test func `a relay measures while it relays`() async throws {
        let responder = try Responder()
        defer { responder.end() }
        let arguments = ["--monitor", "127.0.0.1:\(responder.port)", "--interval", "50ms"]
        try await LiveServe.run(arguments) { relay, port in
            try relay.prints("Conexão Normal. Latência: ")
            let ana = try Peer(port: port)
            try poll("ana is in") { relay.output.contains("Cliente conectado: ") }
            ana.close()
            try relay.prints("Cliente desconectado: ")
            #expect(try relay.terminate() == 0)
        }
    }

    @Test func `what a status hook says to the chat arrives at once`() async throws {
        let responder = try Responder()
        defer { responder.end() }
        let script = """
            relay.on("status", function(report) relay.send(relay.everyone, "it is " .. report.status) end)
            relay.on("latency", function() return #relay.clients() > 0 and "seen" or "alone", 0 end)
            """
        let arguments = ["--monitor", "127.0.0.1:\(responder.port)", "--interval", "50ms", "--scripts", "."]
        try await LiveServe.run(arguments, files: ["announce.lua": script]) { relay, port in
            try relay.prints("Conexão alone.")
            let ana = try Peer(port: port)
            try ana.waits(for: "it is seen")
            ana.close()
        }
    }

    @Test func `a stop of half a second does not change what a ping took`() async throws {
        let responder = try Responder(after: .milliseconds(50))
        defer { responder.end() }
        let arguments = [
            "127.0.0.1:\(responder.port)", "--interval", "1s", "--timeout", "1s", "--count", "2", "--json",
        ]
        try await self.monitor(arguments) { monitor in
            try responder.hears(2)
            monitor.signal(SIGSTOP)
            // Not a task's sleep, which lasts as long as others keep its threads.
            usleep(500_000)
            monitor.signal(SIGCONT)
            let code = try monitor.exitCode()
            #expect(code == 0)
            let samples = try self.lines(monitor).filter { $0.event == "sample" }
            #expect(samples.map(\.outcome) == ["reply", "reply"])
            // Half of the stop is far from both.
            #expect(samples.allSatisfy { ($0.rtt_ms ?? 0) >= 50 && ($0.rtt_ms ?? 1_000) < 300 }, "\(samples)")
        }
    }

    @Test func `a longer stop makes a ping under way inconclusive, and slots that went by are counted`() async throws {
        let responder = try Responder(after: .milliseconds(400))
        defer { responder.end() }
        let arguments = ["127.0.0.1:\(responder.port)", "--interval", "500ms", "--timeout", "500ms", "--json"]
        try await self.monitor(arguments) { monitor in
            try responder.hears(2)
            monitor.signal(SIGSTOP)
            usleep(1_800_000)
            monitor.signal(SIGCONT)
            try monitor.prints("inconclusive")
            try monitor.prints("\"missed\"")
            #expect(try monitor.interrupt() == 0)
            let lines = try self.lines(monitor)
            #expect(lines.filter { $0.outcome == "inconclusive" }.count == 1)
            let missed = lines.first { $0.event == "missed" }
            #expect((missed?.slots ?? 0) >= 2)
            #expect(lines.last?.event == "summary")
        }
    }

    @Test func `SIGINT ends it with a summary`() async throws {
        let responder = try Responder()
        defer { responder.end() }
        try await self.monitor(["127.0.0.1:\(responder.port)", "--interval", "30ms", "--quiet"]) { monitor in
            try await Task.sleep(for: .milliseconds(300))
            #expect(try monitor.interrupt() == 0)
            #expect(monitor.output == "")
            #expect(monitor.error.contains("\n127.0.0.1:\(responder.port) "))
        }
    }

    @Test func `a latency hook that fails is told once, and what is built in is used`() async throws {
        let closed = try DatagramPeer.closed()
        let files = ["rules.lua": "relay.on('latency', function(sample)\n  return sample.rtt < 5\nend)"]
        let arguments = ["127.0.0.1:\(closed.port)", "--interval", "300ms", "--count", "5", "--scripts", "."]
        try await self.monitor(arguments, files: files.merging(["latency.lua": ""]) { $1 }) { monitor in
            let code = try monitor.exitCode()
            #expect(code == 1)
            #expect(monitor.output == String(repeating: "Conexão down.\n", count: 5))
            #expect(monitor.error.components(separatedBy: "hook failed").count == 2, "\(monitor.error)")
            #expect(monitor.error.contains("a sample has no field 'rtt'; did you mean 'rtt_ms'?"))
        }
    }

    @Test(arguments: [
        (["127.0.0.1:0"], "'127.0.0.1:0' has port 0, which cannot be pinged"),
        (["no.such.host.invalid"], "cannot monitor no.such.host.invalid:12345: "),
        (["224.0.0.1:9"], "cannot monitor 224.0.0.1:9: a multicast address has no one answer"),
        (["--interval", "9ms"], "'9ms' is less than 10ms, the least"),
        (
            ["--interval", "1s", "--timeout", "2s"],
            "timeout 2s (command line) is longer than interval 1s (command line)"
        ),
        (["--count", "0"], "--count takes a whole number from 1 on"),
        (["--set", "latency.normal=5"], "no script has this setting; did you mean 'latency.normal_ms'?"),
        (["--set", "latency.normal_ms=fast"], "it takes a number from 0 on, not 'fast'"),
        (["--smtp", "smtp+insecure://mail.example.com"], "smtp+insecure:// is for test servers on this machine"),
        (["--mail-to", "ana"], "'ana' is not an address: it has no @"),
        (["--mail-to", "a@b.c", "--smtp-ca", "/nonexistent"], "cannot read the certificates in '/nonexistent'"),
        (["--mail-to", "a@b.c", "--mail-spool", "/proc/spool"], "cannot make the spool folder '/proc/spool'"),
        (["--mail-to", "a@b.c", "--smtp-user", "ana"], "smtp-user needs a password"),
        (
            ["--mail-to", "a@b.c", "--smtp-user", "a", "--smtp-password-file", "/none"],
            "cannot read the password in '/none'"
        ),
    ]) func `bad input is refused with what, where and what to do`(arguments: [String], reason: String) async throws {
        try await self.monitor(arguments) { monitor in
            let code = try monitor.exitCode()
            #expect(code != 0)
            #expect(monitor.error.contains(reason), "\(monitor.error)")
            #expect(monitor.output == "")
        }
    }

    @Test func `questions do not get into what a program reads`() async throws {
        let closed = try DatagramPeer.closed()
        let arguments = [
            "127.0.0.1:\(closed.port)", "--count", "1", "--json", "--mail-login", "--smtp", "smtps://127.0.0.1:9",
        ]
        try await self.monitor(arguments) { monitor in
            try monitor.logs("Digite o endereço de e-mail: ")
            monitor.type("ana@example.org")
            try monitor.logs("Digite a senha: ")
            monitor.type("segredo")
            _ = try monitor.exitCode()
            #expect(try !self.lines(monitor).isEmpty)
            #expect(!monitor.output.contains("Digite"))
        }
    }

    @Test(arguments: [[], ["--json"]]) func `it ends when nobody reads it any more`(options: [String]) async throws {
        let responder = try Responder()
        defer { responder.end() }
        let monitor = "timeout 60 \(Program.luar) monitor 127.0.0.1:\(responder.port) --interval 50ms"
        let line = "\(monitor) \(options.joined()) | head -n 1"
        try await Program.run("/bin/bash", ["-c", "set -o pipefail; \(line)"]) { pipeline in
            _ = try pipeline.exitCode()
            #expect(pipeline.output.split(separator: "\n").count == 1)
        }
    }

    @Test func `a source port that somebody has is refused`() async throws {
        let peer = try DatagramPeer(to: 0, from: "0.0.0.0")
        defer { peer.close() }
        try await self.monitor(["--source-port", "\(peer.port)"]) { monitor in
            let code = try monitor.exitCode()
            #expect(code == 1)
            #expect(monitor.error.contains("cannot send pings from port \(peer.port): Address already in use"))
        }
    }

    @Test func `pings come from the source port`() async throws {
        let port = try DatagramPeer.sparePort()
        let peer = try DatagramPeer(to: 0)
        defer { peer.close() }
        let arguments = ["127.0.0.1:\(peer.port)", "--source-port", "\(port)", "--interval", "100ms", "--count", "2"]
        try await self.monitor(arguments) { monitor in
            for _ in 0..<2 {
                let ping = peer.receiveFrom()
                #expect(ping.port == port)
                #expect(ping.bytes == Array("ping".utf8))
                peer.send(ping.bytes, to: ping.host, port: ping.port)
            }
            let code = try monitor.exitCode()
            #expect(code == 0)
        }
    }
}
