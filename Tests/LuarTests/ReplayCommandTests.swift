// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

/// `luar serve --record` and `luar replay`.
@Suite(.timeLimit(.minutes(15))) struct ReplayCommandTests {
    private func luar(_ arguments: [String], in folder: TemporaryFolder) async throws -> (String, String, Int32) {
        try await Program.run(Program.luar, arguments, in: folder.path) { program in
            let code = try program.exitCode()
            return (program.output, program.error, code)
        }
    }

    private static let room = "relay.on('connect', function(client) client.room = 'all' end)"
    private static let door = """
        relay.on("admit", function(client, text)
          if client.transport == "tcp" and not text then return "password?" end
          if client.transport == "tcp" and text ~= "luar" then return false, "no" end
        end)
        """

    /// A folder with the recording of a short conversation over both transports.
    private func recorded(_ files: [String: String], _ body: (TemporaryFolder) async throws -> Void) async throws {
        let folder = try TemporaryFolder(files)
        defer { folder.remove() }
        let scripts = ["scripts/a.lua": Self.room, "scripts/b.lua": Self.door]
        let serve = ["--record", folder.path + "/rec", "--udp", "127.0.0.1:0"]
        try await LiveServe.run(serve, files: scripts) { relay, port in
            let udp = try #require(relay.error.firstMatch(of: /udp\.address=127\.0\.0\.1:(\d+)/)).1
            let (ana, bia) = (try Peer(port: port), try Peer(port: port))
            for peer in [ana, bia] { try peer.waits(for: "password?") }
            ana.send("luar")
            try relay.prints("Cliente conectado: \(ana.name)")
            bia.send("moon")
            try bia.waits(for: "no")
            let eva = try DatagramPeer(to: try #require(Int(udp)))
            defer { eva.close() }
            eva.send(Array("quem fala?".utf8))
            try ana.waits(for: "quem fala?")
            ana.send([0xFF])
            ana.send("\n")
            ana.send("oi\n")
            try relay.prints("disse: oi")
            ana.send("/sair\n")
            try relay.prints("Cliente desconectado: \(ana.name)")
            #expect(try relay.terminate() == 0)
        }
        try await body(folder)
    }

    @Test func `a recording with a time that cannot be is replayed without it`() async throws {
        let folder = try TemporaryFolder([
            "rec": """
            {"event":"begin","time":1000,"version":1}
            {"event":"admit","time":1e10,"client":1,"transport":"tcp","address":"10.0.0.1:1"}
            {"event":"leave","time":1002,"client":1,"reason":"left"}

            """
        ])
        defer { folder.remove() }
        let (output, error, code) = try await self.luar(["replay", folder.path + "/rec"], in: folder)
        #expect(code == 0, "\(error)")
        #expect((output + error).contains("line 2 is more than ten years after the one before"), "\(output)\(error)")
    }

    @Test func `the same scripts make the same of it, others do not, and it is shown`() async throws {
        let same = Self.room + "\n" + Self.door
        let other = same + " relay.on('format', function(m) return 'x ' .. m.text end)"
        let broken = same + " relay.on('message', function() error('bang') end)"
        try await self.recorded([
            "same/a.lua": same, "other/a.lua": other, "broken/a.lua": broken, "open/a.lua": Self.room,
        ]) { folder in
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/rec")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let rec = folder.path + "/rec"
            let (output, error, code) = try await self.luar(["replay", rec, "--scripts", "same"], in: folder)
            #expect(output.hasSuffix("4 texts, no difference\n") && error == "" && code == 0, "\(output)")
            let (changed, _, changedCode) = try await self.luar(["replay", rec, "--scripts", "other"], in: folder)
            #expect(changedCode == 1)
            #expect(changed.contains("says \"quem fala?\"\n  - sent: "), "\(changed)")
            #expect(changed.contains("\n  + sent: \"x quem fala?\"\n"), "\(changed)")
            #expect(changed.hasSuffix("differences\n"))
            let (broken, _, brokenCode) = try await self.luar(["replay", rec, "--scripts", "broken"], in: folder)
            #expect(brokenCode == 1 && broken.contains("message failed: broken/a.lua:5: bang"))
            // Without the door the password is a text.
            let (open, _, _) = try await self.luar(["replay", rec, "--scripts", "open"], in: folder)
            #expect(open.contains("- answers at the door: \"luar\"\n  + says: \"luar\""), "\(open)")
            #expect(open.contains("- leaves: refused\n  + stays"), "\(open)")
            // What a crash leaves behind.
            let text = try Data(contentsOf: URL(fileURLWithPath: rec))
            try text.dropLast(30).write(to: URL(fileURLWithPath: folder.path + "/cut"))
            let (cut, _, _) = try await self.luar(["replay", "cut", "--scripts", "same"], in: folder)
            #expect(cut.contains("the last line is cut, and left out"))
        }
    }

    @Test func `a recording that is being written is nobody else's, and an old one stays until the relay listens`()
        async throws
    {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let rec = folder.path + "/rec"
        let size = { try FileManager.default.attributesOfItem(atPath: rec)[.size] as? Int ?? 0 }
        let serve = { (port: Int) in
            try await self.luar(
                ["serve", "--tcp", "127.0.0.1:\(port)", "--no-udp", "--no-control", "--record", rec],
                in: folder
            )
        }
        try await LiveServe.run { _, taken in
            try await LiveServe.run(["--record", rec]) { relay, port in
                let (ana, bia) = (try Peer(port: port), try Peer(port: port))
                ana.send("oi\n")
                try bia.waits(for: "oi")
                let (_, refusal, code) = try await serve(0)
                #expect(code == 1 && refusal.contains("another relay records in '\(rec)'"), "\(refusal)")
                #expect(try relay.terminate() == 0)
            }
            let before = try size()
            let (_, refusal, code) = try await serve(taken)
            #expect(code == 1 && refusal.contains("port is in use"), "\(refusal)")
            #expect(try size() == before && before > 200)
        }
        let (same, _, _) = try await self.luar(["replay", rec], in: folder)
        #expect(same.contains("1 text, "), "\(same)")
    }

    @Test func `what other dialects get is compared, too`() async throws {
        let script = { (word: String) in
            """
            relay.on("connect", function(client) client.dialect = "loud" end)
            relay.on("format", { dialect = "loud" }, function(m) return "\(word) " .. m.text end)
            """
        }
        let folder = try TemporaryFolder(["a/a.lua": script("one"), "b/a.lua": script("two"), "c/a.lua": ""])
        defer { folder.remove() }
        let rec = folder.path + "/rec"
        try await LiveServe.run(["--record", rec, "--scripts", folder.path + "/a"]) { relay, port in
            let (ana, bia) = (try Peer(port: port), try Peer(port: port))
            ana.send("oi\n")
            try bia.waits(for: "one oi")
            #expect(try relay.terminate() == 0)
        }
        let (same, _, code) = try await self.luar(["replay", rec, "--scripts", "a"], in: folder)
        #expect(code == 0 && same == "1 text, no difference\n", "\(same)")
        let (other, _, _) = try await self.luar(["replay", rec, "--scripts", "b"], in: folder)
        #expect(other.contains("  - sent as 'loud': \"one oi\"\n  + sent as 'loud': \"two oi\"\n"), "\(other)")
        let (plain, _, _) = try await self.luar(["replay", rec, "--scripts", "c"], in: folder)
        #expect(plain.contains("  - sent as 'loud': \"one oi\"\n  + sent as 'loud': nothing\n"), "\(plain)")
        #expect(plain.contains("  - sent: nothing\n  + sent: \"('127.0.0.1', "), "\(plain)")
    }

    @Test(arguments: [
        ("", "it is no recording"), ("hello\n", "line 1 is no line of a recording"),
        (
            "{\"event\":\"begin\",\"time\":1,\"version\":9}\n",
            "a recording of version 9, and this program reads version 1"
        ),
        ("{\"event\":\"text\",\"time\":1}\n", "it is no recording"),
        ("{\"event\":\"begin\",\"time\":-1e300,\"version\":1}\n", "line 1 has a time that is none: -1e+300"),
        (
            "{\"event\":\"begin\",\"time\":1,\"version\":1}\n{\"event\":\"text\",\"time\":1e19}\n",
            "line 2 has a time that is none: 1e+19"
        ),
        ("{\"event\":\"begin\",\"time\":1,\"version\":1}\n{}\n{\"event\":\"leave\",\"time\":1}\n", "line 2 is no line"),
    ]) func `what is no recording is refused`(text: String, reason: String) async throws {
        let folder = try TemporaryFolder(["f": text])
        defer { folder.remove() }
        let (_, error, code) = try await self.luar(["replay", "f"], in: folder)
        #expect(code == 1 && error.contains(reason), "\(error)")
        let (_, missing, _) = try await self.luar(["replay", "nothing"], in: folder)
        #expect(missing.contains("cannot read the recording 'nothing'"))
        // Nor is it written over.
        if !text.isEmpty, !text.contains("begin") {
            let serve = ["serve", "--tcp", "127.0.0.1:0", "--no-udp", "--no-control", "--record", "f"]
            let (_, refusal, _) = try await self.luar(serve, in: folder)
            #expect(refusal.contains("'f' is there, and no recording; choose another file with --record"), "\(refusal)")
        }
    }

    @Test func `odd recordings harm nobody`() async throws {
        let begin = "{\"event\":\"begin\",\"time\":1,\"version\":1}\n"
        let lines = [
            "{\"event\":\"text\",\"time\":2,\"client\":9,\"said\":{\"text\":\"x\"}}",
            "{\"event\":\"admit\",\"time\":2,\"client\":1,\"transport\":\"pigeon\",\"address\":\"::::\"}",
            "{\"event\":\"admit\",\"time\":-1e10,\"client\":-1,\"transport\":\"udp\",\"said\":{}}",
            "{\"event\":\"leave\",\"time\":3}", "{\"event\":\"dropped\",\"time\":3,\"lines\":7}",
        ]
        let folder = try TemporaryFolder(["f": begin + lines.joined(separator: "\n") + "\n"])
        defer { folder.remove() }
        let (output, error, code) = try await self.luar(["replay", "f"], in: folder)
        #expect(code == 0 && error == "", "\(error)")
        #expect(
            output.contains("7 lines are missing before line 6")
                && output.contains("line 3 has an address that is none")
        )
    }
}
