// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

/// `luar serve` as a process, with the programs people use as clients.
@Suite(.timeLimit(.minutes(15))) struct ServeTests {
    @Test(.enabled(if: Python.interpreter != nil && Program.exists("nc"), "needs python3 and nc"))
    func `the original Python clients chat with each other and with nc`() async throws {
        // On Linux its /sair does not end the connection: the close waits for the thread that is still receiving. So
        // it is nc that leaves here.
        try await LiveServe.run { relay, port in
            let folder = try TemporaryFolder(["client.py": try Originals.text("tcp_client.py", port: port)])
            defer { folder.remove() }
            let python = ["-u", "\(folder.path)/client.py"]
            try await Python.run(python) { ana in
                try ana.prints("Conectado ao servidor.\n")
                try relay.prints("Cliente conectado: ")
                try await Python.run(python) { bia in
                    try bia.prints("Conectado ao servidor.\n")
                    try poll("two clients") { relay.output.split(separator: "\n").count == 3 }
                    try await Program.run("/usr/bin/env", ["nc", "127.0.0.1", "\(port)"]) { nc in
                        try poll("three clients") { relay.output.split(separator: "\n").count == 4 }
                        let names = relay.output.matches(of: /Cliente conectado: (\(.*\))/).map { String($0.1) }
                        ana.type("Olá, tudo bem?")
                        try bia.prints("\(names[0]) disse: Olá, tudo bem?\n")
                        try nc.prints("\(names[0]) disse: Olá, tudo bem?")
                        bia.type("Olá! Tudo, e com você?")
                        try ana.prints("\(names[1]) disse: Olá! Tudo, e com você?\n")
                        nc.type("oi de nc")
                        try ana.prints("\(names[2]) disse: oi de nc\n")
                        ana.type("até já")
                        try nc.prints("\(names[0]) disse: até já\n")
                        nc.type("/sair")
                        try relay.prints("Cliente desconectado: \(names[2])")
                    }
                }
            }
        }
    }

    @Test func `SIGTERM and SIGINT end it with code 0, and the last words arrive`() async throws {
        try await LiveServe.run { relay, port in
            let peer = try Peer(port: port)
            try relay.prints("Cliente conectado: \(peer.name)")
            let code = try relay.terminate()
            #expect(code == 0)
            try relay.prints("Cliente desconectado: \(peer.name)")
            try relay.logs(" stopped ")
            #expect(peer.receiveAll() == "")
        }
        try await LiveServe.run { relay, _ in
            let code = try relay.interrupt()
            #expect(code == 0)
        }
    }

    /// Hooks and timers that use up everything they may, at every step of a relay's end.
    private static let greedy = """
        local function spin() while true do end end
        local function again() relay.after(0, again) spin() end
        relay.after(0, again)
        relay.every(0.01, spin)
        for _, event in ipairs { "system_message", "disconnect", "console", "stop", "message" } do relay.on(event, spin) end
        """

    @Test func `SIGTERM ends a relay whose scripts use up all their time`() async throws {
        try await LiveServe.run(["--scripts", "."], files: ["greedy.lua": Self.greedy]) { relay, port in
            let peers = try (0..<50).map { _ in try Peer(port: port) }
            for peer in peers { peer.send("oi\n") }
            #expect(try relay.terminate() == 0)
            try relay.logs(" stopped ")
        }
    }

    @Test func `SIGHUP while a relay starts does not end it, and what it asks for is done once it runs`() async throws {
        try await Program.run(Program.luar, ["serve", "--tcp", "127.0.0.1:0", "--no-udp", "--log-level", "info"]) {
            relay in
            try relay.ignores(SIGHUP)
            for _ in 0..<100 { relay.signal(SIGHUP) }
            try relay.logs(" listening tcp.address=127.0.0.1:")
            relay.signal(SIGHUP)
            try relay.logs("scripts reloaded")
            for _ in 0..<100 { relay.signal(SIGHUP) }
            #expect(try relay.terminate() == 0)
        }
    }

    @Test(
        .enabled(
            if: getuid() == 0 && Program.exists("setpriv") && Program.exists("prlimit"),
            "needs root, setpriv and prlimit"
        )
    )
    func `a relay that could serve nobody for want of open files says what it needs`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        // Root may raise the limit, others may not. The copy is where they can read it.
        let copy = "/tmp/luar-open-files-\(getpid())"
        defer { unlink(copy) }
        try FileManager.default.copyItem(atPath: Program.luar, toPath: copy)
        let others = ["--nofile=64:64", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy]
        let serve = ["serve", "--tcp", "127.0.0.1:0", "--no-udp", "--no-control"]
        try await Program.run("/usr/bin/env", ["prlimit"] + others + serve) { relay in
            let code = try relay.exitCode()
            #expect(code == 1)
            try relay.logs(
                "the limit on open files is 64, and this relay needs at least 264: raise it with 'ulimit -n'"
            )
        }
    }

    @Test func `quiet prints nothing on standard output`() async throws {
        try await LiveServe.run(["--quiet"]) { relay, port in
            let peer = try Peer(port: port)
            peer.send("oi")
            let code = try relay.terminate()
            #expect(code == 0)
            #expect(relay.output == "")
        }
    }

    @Test func `what does not start prints one line and exits with 1`() async throws {
        try await LiveServe.run { _, port in
            try await Program.run(Program.luar, ["serve", "--no-udp", "--tcp", "127.0.0.1:\(port)"]) { second in
                let code = try second.exitCode()
                #expect(code == 1)
                let lines = second.error.split(separator: "\n").filter { line in !line.contains(" info ") }
                #expect(lines.count == 1)
                let expected = "luar: cannot listen on 127.0.0.1:\(port): the port is in use"
                #expect(lines.first?.hasPrefix(expected) == true)
                #expect(second.output == "")
            }
        }
    }

    @Test(arguments: [
        (["serve", "--tcp", "nonsense"], "it has no port"),
        (["serve", "--tcp", "h:1", "--no-tcp"], "exclude each other"),
        (["serve", "--framing", "lines"], "framing"),
        (["serve", "--log-level", "loud"], "'loud' is not one of trace"),
        (["serve", "--message-limit", "0"], "message-limit"),
        (["serve", "--datagram-limit", "65508"], "'65508' is more than 65507B"),
        (["serve", "--message-limit", "12XB"], "is no size from 1 to 1GiB"),
        (["serve", "--message-limit", "9223372036854775807"], "is no size"),
        (["serve", "--client-limit", "9223372036854775807"], "is no whole number"),
        (["serve", "--flush-time", "999999999m"], "is no time from 1ms to a year"),
        (["serve", "--hook-time", "5"], "hook-time"),
        (["serve", "--slow-policy", "maybe"], "slow-policy"),
        (["serve", "--bogus"], "bogus"),
    ])
    func `a wrong option is named`(arguments: [String], reason: String) async throws {
        try await Program.run(Program.luar, arguments) { luar in
            let code = try luar.exitCode()
            #expect(code == 64)
            try luar.logs(reason)
        }
    }

    @Test func `help lists every limit with its default`() async throws {
        try await Program.run(Program.luar, ["serve", "--help"]) { luar in
            let code = try luar.exitCode()
            #expect(code == 0)
            for part in [
                "--message-limit <bytes>", "64KiB", "--client-limit <n>", "10000", "--unsent-limit <bytes>", "1MiB",
                "--slow-policy <policy>", "disconnect", "--lua-memory <bytes>", "64MiB", "--hook-time <time>",
                "50ms",
                "--hook-instructions <n>", "--load-time <time>", "--pause-after <time>", "200ms", "--console-bytes",
                "--input-limit", "--tick-limit", "--name-limit", "--room-limit", "--dialect-limit", "--hook-limit",
                "--silence", "--flush-time", "--output-limit", "--answer-extra", "--framing", "--scripts", "--quiet",
                "--no-tcp", "--tcp",
            ] {
                try luar.prints(part)
            }
        }
    }

    @Test func `a reader of the console that goes away does not end the relay`() async throws {
        let empty = try TemporaryFolder([:])
        defer { empty.remove() }
        let command = "'\(Program.luar)' serve --tcp 127.0.0.1:0 --no-udp --log-level info 2>&1 >/dev/full"
        try await Program.run("/bin/sh", ["-c", "exec \(command)"], in: empty.path) { relay in
            try relay.prints("tcp.address=")
            let address = try #require(relay.output.firstMatch(of: /tcp\.address=127\.0\.0\.1:(\d+)/))
            let ana = try Peer(port: try #require(Int(address.1)))
            let bia = try Peer(port: try #require(Int(address.1)))
            // Connections are taken in order, so ana is there when bia is heard.
            bia.send("\noi\n")
            try ana.waits(for: "disse: oi")
            let code = try relay.terminate()
            #expect(code == 0)
        }
    }
}
