// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Synchronization
import TestSupport
import Testing

@testable import MailAlerts

#if canImport(Glibc)
import Glibc
#endif

/// What is on disk whenever we die, and a disk that fails.
@Suite struct SpoolTests {
    /// A stage whose server is away for long.
    private func away(_ folder: String? = nil, _ change: (inout MailLimits) -> Void = { _ in }) throws -> MailStage {
        var limits = MailStage.limits
        limits.retries = [.seconds(600)]
        change(&limits)
        let listener = try Listener()
        defer { listener.close() }
        return try MailStage("smtp+insecure://127.0.0.1:\(listener.port)", folder: folder, limits: limits)
    }

    private func add(_ count: Int, to stage: MailStage) throws {
        let queue = try stage.queue()
        for number in 1...count { queue.add(try MailStage.draft("Alert \(number)", text: "Text \(number).\n")) }
        queue.stop()
    }

    /// Has nothing written to the folder: whatever is written begins in `tmp`, where a file is now.
    private func breakFolder(_ stage: MailStage) throws {
        try FileManager.default.moveItem(atPath: stage.folder + "/tmp", toPath: stage.folder + "/away")
        try Data().write(to: URL(fileURLWithPath: stage.folder + "/tmp"))
    }

    private func mendFolder(_ stage: MailStage) throws {
        try FileManager.default.removeItem(atPath: stage.folder + "/tmp")
        try FileManager.default.moveItem(atPath: stage.folder + "/away", toPath: stage.folder + "/tmp")
    }

    @Test func `a folder that somebody deletes is made again, and is ours again`() throws {
        let stage = try self.away()
        try self.add(1, to: stage)
        let queue = try stage.queue()
        queue.start()
        defer { queue.stop() }
        // In one step: the queue may be writing into it.
        try FileManager.default.moveItem(atPath: stage.folder, toPath: stage.folder + "-gone")
        defer { try? FileManager.default.removeItem(atPath: stage.folder + "-gone") }
        queue.add(try MailStage.draft("After"))
        try poll("it is on the disk") { stage.files("waiting").count == 1 }
        #expect(try self.subjects(stage) == ["After"])
        #expect(throws: MailError.self) { try stage.queue() }
    }

    @Test func `a pipe in the folder keeps nobody waiting, and is set aside`() throws {
        let stage = try self.away()
        try self.add(1, to: stage)
        #expect(mkfifo(stage.folder + "/waiting/0-pipe.mail", 0o600) == 0)
        #expect(try self.subjects(stage).count == 1)
        let queue = try stage.queue()
        #expect(queue.waiting == 1)
        queue.stop()
        #expect(stage.files("failed").contains("0-pipe.mail"))
    }

    @Test(arguments: [
        ("\"uncounted\":0,", "\"uncounted\":9223372036854775807,"), ("\"uncounted\":0,", "\"uncounted\":-5,"),
        ("\"count\":1,", "\"count\":-9223372036854775808,"), ("\"count\":1,", "\"count\":9223372036854775807,"),
        ("\"uncountedTo\":0", "\"uncountedTo\":1e300"), ("\"replaces\":[]", "\"replaces\":[\"../x\"]"),
    ]) func `an envelope that says what none can is damaged`(own: String, other: String) throws {
        let stage = try self.away()
        try self.add(1, to: stage)
        let path = "\(stage.folder)/waiting/\(stage.files("waiting")[0])"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try #require(text.contains(own), "\(text.prefix(600))")
        try text.replacing(own, with: other).write(toFile: path, atomically: false, encoding: .utf8)
        _ = try SpoolListing(stage.folder).mails.map(\.count)
        let queue = try stage.queue()
        #expect(queue.waiting == 0)
        queue.stop()
        #expect(!stage.files("failed").isEmpty)
    }

    private func subjects(_ stage: MailStage) throws -> [String] { try SpoolListing(stage.folder).mails.map(\.subject) }

    @Test func `a folder is ours alone, and so are the files`() throws {
        let stage = try self.away()
        try self.add(1, to: stage)
        for (path, mode) in [
            ("", 0o700), ("/waiting", 0o700), ("/failed", 0o700), ("/tmp", 0o700),
            ("/waiting/\(stage.files("waiting")[0])", 0o600),
        ] {
            let attributes = try FileManager.default.attributesOfItem(atPath: stage.folder + path)
            #expect((attributes[.posixPermissions] as? Int) == mode, "\(path)")
        }
    }

    @Test func `a second queue on the same folder is refused by its name, until the first ends`() throws {
        let stage = try self.away()
        let queue = try stage.queue()
        let error = #expect(throws: MailError.self) { try stage.queue() }
        #expect(error?.reason.contains("'\(stage.folder)' is in use") == true)
        queue.stop()
        try stage.queue().stop()
    }

    @Test func `a folder that cannot be written to at the start is told with its name and what to do`() throws {
        let folder = try TemporaryFolder(["file": ""])
        defer { folder.remove() }
        for path in ["\(folder.path)/file", "\(folder.path)/file/spool"] {
            let error = #expect(throws: MailError.self) { try self.away(path).queue() }
            #expect(error?.reason.contains("'\(path)") == true && error?.reason.contains("choose another") == true)
        }
    }

    @Test func `a link in the place of a folder of the spool is not followed`() throws {
        let other = try TemporaryFolder(["precious": ""])
        defer { other.remove() }
        let stage = try self.away()
        try self.add(1, to: stage)
        try FileManager.default.removeItem(atPath: stage.folder + "/tmp")
        try FileManager.default.createSymbolicLink(atPath: stage.folder + "/tmp", withDestinationPath: other.path)
        #expect(throws: MailError.self) { try stage.queue() }
        #expect(FileManager.default.fileExists(atPath: other.path + "/precious"))
    }

    @Test func `what was being written when we died is cleaned away, and nothing else`() throws {
        let stage = try self.away()
        try self.add(3, to: stage)
        let whole = try Data(contentsOf: URL(fileURLWithPath: "\(stage.folder)/waiting/\(stage.files("waiting")[0])"))
        try whole.prefix(100).write(to: URL(fileURLWithPath: "\(stage.folder)/tmp/half"))
        try whole.write(to: URL(fileURLWithPath: "\(stage.folder)/tmp/whole"))
        try Data().write(to: URL(fileURLWithPath: "\(stage.folder)/tmp/empty"))
        try stage.queue().stop()
        #expect(stage.files("tmp") == [])
        #expect(try self.subjects(stage) == ["Alert 1", "Alert 2", "Alert 3"])
    }

    @Test func `a file cut short anywhere is set aside, told, and never sent`() throws {
        let stage = try self.away()
        try self.add(1, to: stage)
        let name = stage.files("waiting")[0]
        let whole = try Data(contentsOf: URL(fileURLWithPath: "\(stage.folder)/waiting/\(name)"))
        for length in stride(from: 0, to: whole.count, by: 7) {
            try whole.prefix(length).write(to: URL(fileURLWithPath: "\(stage.folder)/waiting/\(name)"))
            let queue = try stage.queue()
            #expect(queue.waiting == 0)
            queue.stop()
            #expect(stage.files("waiting") == [] && stage.files("failed").contains(name))
            #expect(stage.events.last.map { if case .damaged(name, _) = $0 { true } else { false } } == true)
        }
    }

    @Test func `a file with a byte changed anywhere is whole or set aside, and stops nothing`() throws {
        let stage = try self.away()
        try self.add(1, to: stage)
        let name = stage.files("waiting")[0]
        let whole = try Data(contentsOf: URL(fileURLWithPath: "\(stage.folder)/waiting/\(name)"))
        var random = SplitMix64(seed: 7)
        for _ in 0..<150 {
            var changed = whole
            changed[Int.random(in: 0..<whole.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            try changed.write(to: URL(fileURLWithPath: "\(stage.folder)/waiting/\(name)"))
            let queue = try stage.queue()
            #expect(queue.waiting + (stage.files("failed").contains(name) ? 1 : 0) == 1)
            queue.stop()
            for file in stage.files("failed") {
                try FileManager.default.removeItem(atPath: "\(stage.folder)/failed/\(file)")
            }
        }
    }

    @Test func `a mail with a byte changed is never sent`() throws {
        let stage = try self.away()
        try self.add(1, to: stage)
        let name = stage.files("waiting")[0]
        let whole = try Data(contentsOf: URL(fileURLWithPath: "\(stage.folder)/waiting/\(name)"))
        let start = try #require(whole.firstIndex(of: 0x0A)) + 1
        for position in stride(from: start, to: whole.count, by: 5) {
            var changed = whole
            changed[position] ^= 1
            try changed.write(to: URL(fileURLWithPath: "\(stage.folder)/waiting/\(name)"))
            let queue = try stage.queue()
            #expect(queue.waiting == 0)
            queue.stop()
        }
    }

    @Test func `files that are not ours are set aside`() throws {
        let stage = try self.away()
        try self.add(1, to: stage)
        let name = stage.files("waiting")[0]
        try FileManager.default.copyItem(
            atPath: "\(stage.folder)/waiting/\(name)",
            toPath: "\(stage.folder)/waiting/copy.mail"
        )
        try FileManager.default.createSymbolicLink(
            atPath: "\(stage.folder)/waiting/link.mail",
            withDestinationPath: "/etc/passwd"
        )
        try FileManager.default.createDirectory(
            atPath: "\(stage.folder)/waiting/folder",
            withIntermediateDirectories: true
        )
        let queue = try stage.queue()
        #expect(queue.waiting == 1)
        queue.stop()
        #expect(stage.files("waiting") == [name])
        #expect(Set(stage.files("failed")).isSuperset(of: ["copy.mail", "link.mail", "folder"]))
    }

    @Test func `a digest that was written before its mails were deleted replaces them`() throws {
        let stage = try self.away { $0.mostWaiting = 4 }
        try self.add(4, to: stage)
        let before = stage.files("waiting")
        let kept = try TemporaryFolder([:])
        defer { kept.remove() }
        for name in before {
            try FileManager.default.copyItem(atPath: "\(stage.folder)/waiting/\(name)", toPath: "\(kept.path)/\(name)")
        }
        try self.add(1, to: stage)
        let after = stage.files("waiting")
        #expect(after.count == 2)
        // As if we had died before the first deletion, and after the second one.
        for count in [4, 2] {
            for name in before.suffix(count) {
                try FileManager.default.copyItem(
                    atPath: "\(kept.path)/\(name)",
                    toPath: "\(stage.folder)/waiting/\(name)"
                )
            }
            let queue = try stage.queue()
            #expect(queue.waiting == 2)
            queue.stop()
            #expect(stage.files("waiting") == after)
        }
        #expect(try SpoolListing(stage.folder).mails.map(\.count).sorted() == [1, 4])
    }

    @Test func `a mail that was sent but not deleted before we died is sent again, the same`() async throws {
        try await LiveMailServer.run(arguments: []) { server in
            let stage = try MailStage("smtp+insecure://127.0.0.1:\(server.port)")
            try self.add(1, to: stage)
            let path = "\(stage.folder)/waiting/\(stage.files("waiting")[0])"
            let file = try Data(contentsOf: URL(fileURLWithPath: path))
            try await stage.run { _ in try stage.tellsSent() }
            try file.write(to: URL(fileURLWithPath: path))
            try await stage.run { _ in try stage.tellsSent(2) }
            try server.takes(2)
            #expect(server.messages.count == 2 && server.messages[0].bytes == server.messages[1].bytes)
        }
    }

    @Test func `many mails are merged, none is lost, and the digest is bounded by counting the oldest`() throws {
        let stage = try self.away {
            $0.mostWaiting = 10
            $0.mostDigestBytes = 1_000
        }
        let queue = try stage.queue()
        queue.start()
        for number in 1...500 { queue.add(try MailStage.draft("Alert \(number)", text: "Text \(number).\n")) }
        queue.stop()
        let mails = try SpoolListing(stage.folder).mails
        #expect(mails.map(\.count).reduce(0, +) == 500)
        #expect(mails.count <= 10)
        #expect(try self.subjects(stage).contains("Alert 500"))
        let digest = try #require(mails.first { $0.count > 1 })
        #expect(digest.size < 6_000)
        let text = try String(contentsOfFile: "\(stage.folder)/waiting/\(digest.id).mail", encoding: .utf8)
        #expect(text.contains("=E2=80=A6 and ") && text.contains(" earlier, from "))
    }

    @Test func `mails that nobody takes up are merged in memory`() throws {
        let stage = try self.away { $0.mostWaiting = 10 }
        let queue = try stage.queue()
        for number in 1...500 {
            queue.add(try MailStage.draft("Alert \(number)", to: ["ana@example.com", "bia@example.com"]))
            #expect(queue.waiting <= 22)
        }
        queue.stop()
        let mails = try SpoolListing(stage.folder).mails
        for recipient in ["ana@example.com", "bia@example.com"] {
            #expect(mails.filter { $0.recipient == recipient }.map(\.count).reduce(0, +) == 500)
        }
    }

    @Test func `while the folder cannot be written to mails are delivered from memory, and written when it can`()
        async throws
    {
        try await LiveMailServer.run(arguments: ["--times", "1", "say", "MAIL", "450 later"]) { server in
            var limits = MailStage.limits
            limits.mostWaiting = 3
            let stage = try MailStage("smtp+insecure://127.0.0.1:\(server.port)", limits: limits)
            let queue = try stage.queue()
            // Whatever is written begins there.
            try self.breakFolder(stage)
            queue.start()
            defer { queue.stop() }
            queue.add(try MailStage.draft("One"))
            try stage.tells("the failure") { if case .spoolFailed = $0 { true } else { false } }
            try stage.tellsSent()
            #expect(stage.files("waiting") == [])
            queue.add(try MailStage.draft("Two"))
            try stage.tellsSent(2)
            try self.mendFolder(stage)
            try stage.tells("it is well again") { $0 == .spoolRestored }
            queue.add(try MailStage.draft("Three"))
            try stage.tellsSent(3)
            let failures = stage.events.filter { if case .spoolFailed = $0 { true } else { false } }
            #expect(failures.count == 1)
            #expect(
                stage.reasons.contains {
                    $0.contains("cannot write '\(stage.folder)") && $0.hasSuffix("Not a directory")
                }
            )
        }
    }

    @Test
    func `what waits in memory is merged like the rest, written when the folder can be, and said to be lost else`()
        throws
    {
        let stage = try self.away { $0.mostWaiting = 4 }
        try self.add(3, to: stage)
        let queue = try stage.queue()
        queue.start()
        try self.breakFolder(stage)
        for number in 4...9 { queue.add(try MailStage.draft("Alert \(number)")) }
        try stage.tells("a merge") { if case .merged = $0 { true } else { false } }
        try poll("few wait") { queue.waiting <= 4 }
        #expect(stage.files("waiting").count == 3)
        try self.mendFolder(stage)
        try stage.tells("it is well again") { $0 == .spoolRestored }
        #expect(try SpoolListing(stage.folder).mails.map(\.count).reduce(0, +) == 9)
        try self.breakFolder(stage)
        queue.add(try MailStage.draft("Lost"))
        queue.stop()
        let lost = stage.events.compactMap { if case .lost(let mail, _) = $0 { mail.subject } else { nil } }
        #expect(lost == ["Lost"])
        #expect(try SpoolListing(stage.folder).mails.map(\.count).reduce(0, +) == 9)
    }

    @Test func `a clock that was set back, or files from the future, upset nothing`() throws {
        let stage = try self.away()
        try self.add(1, to: stage)
        let path = "\(stage.folder)/waiting/\(stage.files("waiting")[0])"
        var file = try SpoolFile(reading: Array(try Data(contentsOf: URL(fileURLWithPath: path))))
        var envelope = file.envelope
        for created in [-1e300, 0, 4e9, 1e300] {
            envelope.created = created
            file = SpoolFile(envelope, message: file.message)
            try Data(try file.encoded()).write(to: URL(fileURLWithPath: path))
            let queue = try stage.queue()
            #expect(queue.waiting == 1)
            queue.stop()
        }
    }

    @Test func `a mail is stored once it is in the folder for every recipient`() throws {
        // Nobody listens there: what is delivered would leave the folder.
        let stage = try MailStage("smtp+insecure://127.0.0.1:1")
        let queue = try stage.queue()
        let results = StoredResults()
        let files = Mutex<[Int]>([])
        queue.add(try MailStage.draft("Two", to: ["ana@example.com", "bia@example.com"])) { isStored in
            files.withLock { $0.append(stage.files("waiting").count) }
            results.add(isStored)
        }
        #expect(results.seen == [])
        queue.start()
        try poll("the result is known") { results.seen == [true] }
        #expect(files.withLock { $0 } == [2])
        queue.stop()
        queue.add(try MailStage.draft("Late")) { results.add($0) }
        #expect(results.seen == [true, false])
    }

    @Test func `mails that are merged before they are written are stored with their digest`() throws {
        var limits = MailStage.limits
        limits.mostWaiting = 4
        let stage = try MailStage("smtp+insecure://127.0.0.1:1", limits: limits)
        let queue = try stage.queue()
        let results = StoredResults()
        for number in 1...10 { queue.add(try MailStage.draft("Mail \(number)")) { results.add($0) } }
        queue.start()
        try poll("all results are known") { results.seen.count == 10 }
        #expect(!results.seen.contains(false))
        queue.stop()
    }
}
