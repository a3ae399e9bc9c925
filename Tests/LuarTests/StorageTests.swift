// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

/// What scripts keep on disk, with the real program.
@Suite(.timeLimit(.minutes(15))) struct StorageTests {
    /// Bans whoever says `ban NAME`, refuses the banned, and writes down what was said.
    private static let script = """
        local bans = relay.state("bans", { persist = true })
        local said = relay.file("said.log")
        relay.on("admit", function(client, text)
          if bans[client.host] then return false, "banned" end
        end)
        relay.on("message", function(message)
          said:write(message.text)
          local host = message.text:match("^ban (%S+)$")
          if host then bans[host] = true end
        end)
        relay.on("start", function() relay.log.warn("bans: " .. #bans) end)
        """

    private func serve(
        _ folder: TemporaryFolder,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        _ body: (Program, Int) async throws -> Void
    ) async throws {
        let all = ["--scripts", folder.path, "--no-udp"] + arguments
        try await LiveServe.run(all, environment: environment, body)
    }

    @Test func `a ban survives a restart, and an end without warning`() async throws {
        let folder = try TemporaryFolder(["bans.lua": Self.script])
        defer { folder.remove() }
        let data = "\(folder.path)/data"
        try await self.serve(folder, ["--data", data]) { relay, port in
            try relay.logs("bans: 0")
            let peer = try Peer(port: port)
            peer.send("ban 10.9.8.7\n")
            try relay.prints("ban 10.9.8.7")
            let code = try relay.terminate()
            #expect(code == 0)
        }
        #expect(try String(contentsOfFile: "\(data)/files/said.log", encoding: .utf8) == "ban 10.9.8.7\n")
        try await self.serve(folder, environment: ["LUAR_DATA": data]) { relay, port in
            try relay.logs("bans: 1")
            let peer = try Peer(port: port)
            peer.send("ban 127.0.0.1\n")
            // Written within a second or so; then the process dies with its boots on.
            try poll("the ban is in the log of the database") {
                let log = try? Data(contentsOf: URL(fileURLWithPath: "\(data)/state.sqlite-wal"))
                return log?.range(of: Data("127.0.0.1".utf8)) != nil
            }
            relay.signal(SIGKILL)
            _ = try relay.exitCode()
        }
        try await self.serve(folder, ["--data", data]) { relay, port in
            try relay.logs("bans: 2")
            let peer = try Peer(port: port)
            #expect(peer.receiveAll() == "banned")
        }
    }

    @Test func `what relay.sync and relay.mail have said to be stored is there after an end without warning`()
        async throws
    {
        let folder = try TemporaryFolder([
            "t.lua": """
            local kept = relay.state("kept", { persist = true })
            relay.on("start", function() relay.log.warn("kept: " .. tostring(kept.text)) end)
            relay.on("message", function(m)
              kept.text = m.text
              relay.sync(kept, function(stored) relay.log.warn("state stored: " .. tostring(stored)) end)
              relay.mail({ subject = m.text, text = "t" }, function(stored)
                relay.log.warn("mail stored: " .. tostring(stored))
              end)
            end)
            """
        ])
        defer { folder.remove() }
        let data = "\(folder.path)/data"
        let spool = "\(folder.path)/spool"
        let mail = ["--mail-to", "bia@example.com", "--mail-spool", spool, "--smtp", "smtp+insecure://127.0.0.1:1"]
        try await self.serve(folder, ["--data", data] + mail) { relay, port in
            try relay.logs("kept: nil")
            let peer = try Peer(port: port)
            peer.send("oi\n")
            try relay.logs("state stored: true")
            try relay.logs("mail stored: true")
            relay.signal(SIGKILL)
            _ = try relay.exitCode()
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(spool)/waiting").count == 1)
        try await self.serve(folder, ["--data", data]) { relay, _ in try relay.logs("kept: oi") }
    }

    @Test func `without a script that keeps something no folder is made`() async throws {
        let folder = try TemporaryFolder(["quiet.lua": "relay.state('volatile').a = 1"])
        defer { folder.remove() }
        try await self.serve(folder, environment: ["XDG_STATE_HOME": "\(folder.path)/state"]) { relay, _ in
            let code = try relay.terminate()
            #expect(code == 0)
        }
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/state"))
    }

    @Test func `luar check opens nothing`() async throws {
        let folder = try TemporaryFolder(["bans.lua": Self.script])
        defer { folder.remove() }
        let environment = ["XDG_STATE_HOME": "\(folder.path)/state"]
        try await Program.run(Program.luar, ["check", folder.path], environment: environment) { check in
            let code = try check.exitCode()
            #expect(code == 0)
        }
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/state"))
    }

    @Test(arguments: [
        ("not-a-database", "it is not a database; move it away, or name another folder with --data"),
        ("", nil),
    ])
    func `a damaged database is told at the start in one line, and no script is to blame`(
        content: String,
        expected: String?
    ) async throws {
        let folder = try TemporaryFolder(["bans.lua": Self.script])
        defer { folder.remove() }
        let file = "\(folder.path)/state.sqlite"
        let text = String(repeating: content, count: 100)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        let arguments = ["serve", "--tcp", "127.0.0.1:0", "--no-udp", "--scripts", folder.path, "--data", folder.path]
        try await Program.run(Program.luar, arguments) { relay in
            guard let expected else {
                try relay.logs("bans: 0")
                let code = try relay.terminate()
                return #expect(code == 0)
            }
            let code = try relay.exitCode()
            #expect(code == 1)
            #expect(relay.error == "luar: cannot keep states in '\(file)': \(expected)\n")
            let left = try String(contentsOfFile: file, encoding: .utf8)
            #expect(left == text)
        }
    }

    @Test func `two relays do not share a folder, and a home that is none is told`() async throws {
        let folder = try TemporaryFolder(["bans.lua": Self.script])
        defer { folder.remove() }
        let data = ["--data", "\(folder.path)/data"]
        let arguments = ["serve", "--tcp", "127.0.0.1:0", "--no-udp", "--scripts", folder.path]
        try await self.serve(folder, data) { _, _ in
            try await Program.run(Program.luar, arguments + data) { second in
                let code = try second.exitCode()
                #expect(code == 1)
                try second.logs("another process has it open; stop that one, or name another folder with --data")
            }
        }
        try await Program.run(Program.luar, arguments, environment: ["HOME": "", "XDG_STATE_HOME": ""]) { homeless in
            let code = try homeless.exitCode()
            #expect(code == 1)
            try homeless.logs("there is no home folder to keep the scripts' data in; name a folder with --data")
        }
        try await Program.run(Program.luar, arguments + ["--data", "/proc/data"]) { relay in
            let code = try relay.exitCode()
            #expect(code == 1)
            try relay.logs("luar: cannot make the data folder '/proc/data': ")
        }
    }
}
