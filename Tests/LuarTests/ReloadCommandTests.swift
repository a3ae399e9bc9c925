// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// `luar reload` and `luar status`, and the relay they talk to, as processes.
@Suite(.timeLimit(.minutes(15))) struct ReloadCommandTests {
    /// A relay with a scripts folder and a control socket of its own.
    private func relay(
        _ files: [String: String] = ["s/t.lua": ""],
        _ options: [String] = [],
        _ body: (_ relay: Program, _ port: Int, _ folder: TemporaryFolder) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder(files)
        defer { folder.remove() }
        let arguments = ["--scripts", folder.path + "/s", "--control", folder.path + "/c"] + options
        try await LiveServe.run(arguments) { relay, port in try await body(relay, port, folder) }
    }

    private func luar(_ arguments: [String], environment: [String: String] = [:]) async throws -> (
        String, String, Int32
    ) {
        try await Program.run(Program.luar, arguments, environment: environment) { program in
            let code = try program.exitCode()
            return (program.output, program.error, code)
        }
    }

    /// The CPU time of a process so far, in seconds (proc(5)).
    private func cpuTime(of process: Substring) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        let fields = text.split(separator: " ")
        return (Double(fields[13]) ?? 0) / 100 + (Double(fields[14]) ?? 0) / 100
    }

    @Test func `what a timer sends leaves without waiting for anything else`() async throws {
        let script = "relay.every(0.05, function() relay.send(relay.everyone, 'tick') end)"
        try await self.relay(["s/t.lua": script]) { _, port, _ in
            try Peer(port: port).waits(for: "ticktick")
        }
    }

    @Test func `a reload whose states cannot be kept is refused, and the old timers go on`() async throws {
        let blocked = try TemporaryFolder(["data": "a file where the folder would be"])
        defer { blocked.remove() }
        let script = "relay.every(0.05, function() relay.send(relay.everyone, 'tick') end)"
        try await self.relay(["s/t.lua": script], ["--data", "\(blocked.path)/data"]) { relay, port, folder in
            try self.write("relay.state('kept', { persist = true })", "t.lua", folder)
            let (_, error, code) = try await self.luar(["reload", "--control", folder.path + "/c"])
            #expect(code == 1)
            #expect(error.contains("\(blocked.path)/data") && error.contains("not reloaded"), "\(error)")
            // A client that comes after the reload.
            try Peer(port: port).waits(for: "ticktick")
        }
    }

    private func write(_ text: String, _ name: String, _ folder: TemporaryFolder) throws {
        try text.write(toFile: "\(folder.path)/s/\(name)", atomically: true, encoding: .utf8)
    }

    @Test func `under load no text is lost or doubled, and nobody is disconnected`() async throws {
        let script = { (version: Int) in "relay.on('format', function(m) return m.text .. ' v\(version)' end)" }
        try await self.relay(["s/t.lua": script(0)], ["--framing", "line", "--quiet"]) { relay, port, folder in
            let count = 30_000
            nonisolated(unsafe) let sender = try Peer(port: port)
            let others = try (0..<3).map { _ in try Peer(port: port) }
            sender.send("begin\n")
            for other in others { try other.waits(for: "begin v0\n") }
            Thread.detachNewThread {
                for number in 0..<count {
                    sender.send("\(number)\n")
                    if number % 100 == 0 { usleep(2_000) }
                }
                sender.send("end\n")
            }
            let heard = Mutex<[Int: [UInt8]]>([:])
            for (index, other) in others.enumerated() {
                nonisolated(unsafe) let other = other
                Thread.detachNewThread {
                    var all: [UInt8] = []
                    while true {
                        let more = other.receiveBytes()
                        all += more
                        if more.isEmpty || String(decoding: all.suffix(40), as: UTF8.self).contains("end v") { break }
                    }
                    heard.withLock { $0[index] = all }
                }
            }
            var version = 0
            while heard.withLock({ $0.count }) < 3 {
                version += 1
                try self.write(script(version), "t.lua", folder)
                let (output, error, code) = try await self.luar(["reload", "--control", folder.path + "/c"])
                #expect(code == 0 && output.hasSuffix("hooks, 4 clients stayed\n"), "\(output) \(error)")
            }
            #expect(version > 1)
            for (_, bytes) in heard.withLock({ $0 }) {
                let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                    .map { $0.split(separator: " ") }
                #expect(lines.map { String($0[0]) } == (0..<count).map { "\($0)" } + ["end"])
                let versions = lines.compactMap { Int($0[1].dropFirst()) }
                #expect(versions == versions.sorted() && Set(versions).count > 1)
            }
        }
    }

    @Test func `a mistake is told with file and line, and the old scripts go on`() async throws {
        try await self.relay(["s/t.lua": "relay.on('format', function(m) return 'one' end)"]) { relay, port, folder in
            let (ana, bia) = (try Peer(port: port), try Peer(port: port))
            try self.write("\nrelay.oops()", "t.lua", folder)
            let (output, error, code) = try await self.luar(["reload", "--control", folder.path + "/c"])
            #expect(code == 1 && output == "")
            #expect(error.contains("/s/t.lua:2: relay has no 'oops'"))
            #expect(error.contains("not reloaded; the scripts from before go on"))
            try relay.logs("scripts not reloaded, the old ones go on")
            try relay.logs("/s/t.lua:2: relay has no 'oops'")
            ana.send("x")
            #expect(bia.receive() == "one")
            // SIGHUP does the same.
            relay.signal(SIGHUP)
            try poll("a second refusal") { relay.error.components(separatedBy: "not reloaded").count == 3 }
            try self.write("relay.on('format', function(m) return 'two' end)", "t.lua", folder)
            relay.signal(SIGHUP)
            try relay.logs("scripts reloaded")
            ana.send("x")
            #expect(bia.receive() == "two")
            try FileManager.default.removeItem(atPath: folder.path + "/s")
            let (_, missing, missingCode) = try await self.luar(["reload", "--control", folder.path + "/c"])
            #expect(missingCode == 1 && missing.contains("there is no such file or folder"), "\(missing)")
        }
    }

    @Test func `a script that loops while it is loaded keeps nobody waiting`() async throws {
        try await self.relay { relay, port, folder in
            let (ana, bia) = (try Peer(port: port), try Peer(port: port))
            try self.write("while true do end", "t.lua", folder)
            let status = try await self.luar(["status", "--json", "--control", folder.path + "/c"])
            let process = try #require(status.0.firstMatch(of: /"process" : (\d+)/)).1
            // The chat goes on while the script loops. Two seconds of CPU time are what loading may take; a machine
            // that is busy with other things may let them pass before the text is sent, a second time too.
            var ahead = false
            for _ in 0..<5 where !ahead {
                try await Program.run(Program.luar, ["reload", "--control", folder.path + "/c"]) { reload in
                    let before = try self.cpuTime(of: process)
                    try poll("the script loops") { try self.cpuTime(of: process) > before + 0.3 }
                    ana.send("x")
                    #expect(bia.receive().hasSuffix(": x"))
                    ahead = try self.cpuTime(of: process) < before + 1.9
                    let code = try reload.exitCode()
                    #expect(code == 1)
                    #expect(reload.error.contains("loading the scripts took more than"), "\(reload.error)")
                }
            }
            #expect(ahead)
        }
    }

    @Test func `with --watch a saved file is taken up by itself`() async throws {
        try await self.relay(["s/t.lua": ""], ["--watch"]) { relay, port, folder in
            let (ana, bia) = (try Peer(port: port), try Peer(port: port))
            try self.write("relay.on('format', function(m) return 'watched' end)", "t.lua", folder)
            try relay.logs("scripts reloaded")
            ana.send("x")
            #expect(bia.receive() == "watched")
            // A folder that is deleted and made again, as by `git checkout`, is watched on.
            try FileManager.default.removeItem(atPath: folder.path + "/s")
            try FileManager.default.createDirectory(atPath: folder.path + "/s/lib", withIntermediateDirectories: true)
            try self.write("return 'again'", "lib/word.lua", folder)
            try self.write("relay.on('format', function(m) return require('word') end)", "t.lua", folder)
            try poll("the text of the new folder") {
                ana.send("x")
                return bia.receive() == "again"
            }
            #expect(try relay.terminate() == 0)
        }
    }

    @Test func `settings of the file are read again`() async throws {
        let script = """
            local set = relay.settings({ word = { "string", default = "none" } })
            relay.on("format", function() return set.word end)
            """
        try await self.relay(["s/t.lua": script, "luar.yaml": "set: { t: { word: one } }"]) { _, _, folder in
            let options = ["--config", folder.path + "/luar.yaml", "--scripts", folder.path + "/s"]
            try await LiveServe.run(options + ["--control", folder.path + "/d"]) { relay, port in
                let (ana, bia) = (try Peer(port: port), try Peer(port: port))
                let reload = ["reload", "--control", folder.path + "/d"]
                let write = { (text: String) in
                    try text.write(toFile: folder.path + "/luar.yaml", atomically: true, encoding: .utf8)
                }
                ana.send("x")
                #expect(bia.receive() == "one")
                try write("set: { t: { word: two } }")
                let done = try await self.luar(reload)
                #expect(done.2 == 0)
                ana.send("x")
                #expect(bia.receive() == "two")
                try write("set: { t: { wrod: two } }")
                let (_, error, code) = try await self.luar(reload)
                #expect(code == 1 && error.contains("no script has this setting; did you mean 't.word'?"), "\(error)")
                try write("client-limt: 5")
                let unknown = try await self.luar(reload)
                #expect(unknown.1.contains("client-limt"), "\(unknown)")
                ana.send("x")
                #expect(bia.receive() == "two")
            }
        }
    }

    @Test func `the socket is its owner's, is found, and is gone with the relay`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let environment = ["XDG_RUNTIME_DIR": folder.path]
        let none = try await self.luar(["status"], environment: environment)
        #expect(none.2 == 1 && none.1.contains("no relay of yours runs here that can be talked to"))
        let files = { try FileManager.default.contentsOfDirectory(atPath: folder.path + "/luar") }
        // Each has a lock beside it.
        let sockets = { try files().filter { $0.hasSuffix(".sock") } }
        try await LiveServe.run(environment: environment) { relay, _ in
            try poll("a socket") { (try? sockets().count) == 1 }
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/luar/" + sockets()[0])
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let done = try await self.luar(["reload"], environment: environment)
            #expect(done.2 == 0)
            try await LiveServe.run(environment: environment) { other, _ in
                defer { _ = try? other.terminate() }
                let several = try await self.luar(["reload"], environment: environment)
                #expect(
                    several.2 == 1 && several.1.contains("several relays run; name the one you mean with --control")
                )
            }
            #expect(try relay.terminate() == 0)
        }
        #expect(try files() == [])
    }

    @Test func `a socket that is in use, or something else, is refused, and a stale one replaced`() async throws {
        try await self.relay { _, _, folder in
            let serve = { (path: String) in
                try await self.luar(["serve", "--tcp", "127.0.0.1:0", "--no-udp", "--control", path])
            }
            let used = try await serve(folder.path + "/c")
            #expect(used.2 == 1 && used.1.contains("is another relay's, which runs; choose another path"), "\(used)")
            let file = try await serve(folder.path + "/s/t.lua")
            #expect(file.2 == 1 && file.1.contains("is there, and no control socket"), "\(file)")
            let long = try await serve("/tmp/" + String(repeating: "x", count: 120))
            #expect(long.2 == 1 && long.1.contains("the system takes 103"), "\(long)")
            let missing = try await serve(folder.path + "/no/such/c")
            #expect(missing.2 == 1 && missing.1.contains("No such file or directory"), "\(missing)")
            // What a killed relay leaves behind.
            let stale = folder.path + "/stale"
            try await LiveServe.run(["--control", stale]) { relay, _ in
                relay.signal(SIGKILL)
                _ = try relay.exitCode()
            }
            #expect(FileManager.default.fileExists(atPath: stale))
            try await LiveServe.run(["--control", stale]) { _, _ in
                let done = try await self.luar(["reload", "--control", stale])
                #expect(done.2 == 0)
            }
        }
    }

    @Test(arguments: ["nonsense\n", "{\"command\":\"explode\"}\n", "\n", "long"])
    func `what is no command is answered so, and harms nobody`(text: String) async throws {
        try await self.relay { _, port, folder in
            // `nc -U` ends with the relay's side.
            let answer = try await Program.run("/bin/bash", ["-c", "nc -U -N \(folder.path)/c | head -c 1000"]) { nc in
                nc.write(Array((text == "long" ? String(repeating: "x", count: 100_000) : text).utf8))
                nc.endInput()
                _ = try nc.exitCode()
                return nc.output
            }
            #expect(text == "long" || answer.contains("no command that this relay knows"), "\(answer)")
            let done = try await self.luar(["reload", "--control", folder.path + "/c"])
            #expect(done.2 == 0)
        }
    }

    @Test func `status shows what a person asks about, and JSON has all of it`() async throws {
        let script = """
            relay.on("message", function(m)
              relay.metrics.count("texts", 1, { room = m.sender.room })
              if m.text == "boom" then error("bang") end
            end)
            relay.every(3600, function() end)
            """
        try await self.relay(["s/t.lua": script], ["--quiet"]) { relay, port, folder in
            let (ana, bia) = (try Peer(port: port), try Peer(port: port))
            ana.send("oi\n")
            try bia.waits(for: ": oi")
            ana.send("boom\n")
            try bia.waits(for: ": boom")
            let (output, error, code) = try await self.luar(["status", "--control", folder.path + "/c"])
            #expect(code == 0 && error == "")
            for pattern in [
                #/(?m)^luar \d+\.\d+\.\d+, process \d+, up 00:00:\d\d$/#, #/(?m)^clients +2 +10000$/#,
                #/(?m)^messages +2 +0$/#, #/(?m)^timers +1 +1000$/#, #/(?m)^tcp +2$/#,
                #/(?m)^message +2 +1 +0 +[0-9.]+ [µm]s .*\/s\/t\.lua:1$/#, #/(?m)^timer +0 +0 +0 +-/#,
                #/(?m)^texts +2 +room=tcp$/#,
            ] {
                #expect(output.contains(pattern), "\(pattern) in \(output)")
            }
            let json = try await self.luar(["status", "--json", "--control", folder.path + "/c"])
            let object = try #require(try JSONSerialization.jsonObject(with: Data(json.0.utf8)) as? [String: Any])
            #expect(object["clients"] as? Int == 2)
            #expect((object["hooks"] as? [[String: Any]])?.contains { $0["failures"] as? Int == 1 } == true)
        }
    }
}
