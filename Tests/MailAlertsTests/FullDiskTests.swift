// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

@testable import MailAlerts

/// A disk that is full or can only be read: a small one of the test's own, where the test may mount one.
@Suite struct FullDiskTests {
    @Test(.enabled(if: SmallDisk.mayMount))
    func `a full disk at the start is told with the folder and what to do`() throws {
        let disk = try #require(SmallDisk())
        defer { disk.remove() }
        let stage = try MailStage("smtp+insecure://127.0.0.1:1", folder: disk.path + "/spool")
        try stage.queue().stop()
        disk.fill()
        let error = #expect(throws: MailError.self) { try stage.queue() }
        #expect(error?.reason.contains("cannot write '\(stage.folder)/") == true)
        #expect(error?.reason.contains("No space left on device; free some space") == true)
        disk.free()
        #expect(disk.remount(isReadOnly: true))
        let other = #expect(throws: MailError.self) { try stage.queue() }
        #expect(other?.reason.contains("cannot write '\(stage.folder)/tmp/probe': Read-only file system") == true)
        #expect(other?.reason.contains("make the spool folder writable") == true)
    }

    @Test(.enabled(if: SmallDisk.mayMount))
    func `a mail for a full disk is not stored, and one after that is`() throws {
        let disk = try #require(SmallDisk())
        defer { disk.remove() }
        var limits = MailStage.limits
        limits.spoolPause = .milliseconds(1)
        let stage = try MailStage("smtp+insecure://127.0.0.1:1", folder: disk.path + "/spool", limits: limits)
        let queue = try stage.queue()
        disk.fill()
        queue.start()
        defer { queue.stop() }
        let results = StoredResults()
        queue.add(try MailStage.draft("Full", text: String(repeating: "Long. ", count: 2_000))) { results.add($0) }
        try poll("the result is known") { results.seen == [false] }
        disk.free()
        try stage.tells("the folder is well again") { $0 == .spoolRestored }
        queue.add(try MailStage.draft("Free")) { results.add($0) }
        try poll("the next result is known") { results.seen == [false, true] }
    }

    @Test(.enabled(if: SmallDisk.mayMount), arguments: [false, true])
    func `a disk that fills up or turns read-only loses no mail`(_ isReadOnly: Bool) async throws {
        let disk = try #require(SmallDisk())
        defer { disk.remove() }
        try await LiveMailServer.run(arguments: []) { server in
            let stage = try MailStage("smtp+insecure://127.0.0.1:\(server.port)", folder: disk.path + "/spool")
            let queue = try stage.queue()
            if isReadOnly { #expect(disk.remount(isReadOnly: true)) } else { disk.fill() }
            queue.start()
            defer { queue.stop() }
            for subject in ["One", "Two"] {
                queue.add(try MailStage.draft(subject, text: String(repeating: "Long. ", count: 2_000)))
            }
            try stage.tellsSent(2)
            try stage.tells("the failure") { if case .spoolFailed = $0 { true } else { false } }
            #expect(stage.reasons.count == 1)
            #expect(
                stage.reasons.first?.hasSuffix(isReadOnly ? "Read-only file system" : "No space left on device") == true
            )
            if isReadOnly { #expect(disk.remount(isReadOnly: false)) } else { disk.free() }
            try stage.tells("it is well again") { $0 == .spoolRestored }
            try server.takes(2)
            #expect(stage.files("waiting") == [] && server.messages.count == 2)
        }
    }
}
