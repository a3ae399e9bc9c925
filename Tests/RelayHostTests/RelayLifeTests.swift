// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import HostSettings
import Logging
import Scheduling
import TestSupport
import Testing

@testable import RelayHost

/// Each call in each state: done or refused, and never waiting for something that will not come.
@Suite(.timeLimit(.minutes(15))) struct RelayLifeTests {
    private struct Mistake: Error {}

    @Test func `steps lead from state to state, and a failed one ends the relay`() async throws {
        let life = RelayLife()
        #expect(life.state == .initial)
        try await life.step("load", from: [.initial], to: .loaded) {}
        #expect(life.state == .loaded)
        await #expect(throws: Mistake.self) {
            try await life.step("start", from: [.initial, .loaded], to: .running) { throw Mistake() }
        }
        #expect(life.state == .stopped)
    }

    @Test func `a step in the wrong state is refused in words`() async throws {
        let life = RelayLife()
        try await life.step("load", from: [.initial], to: .loaded) {}
        await #expect(throws: RelayError.self) { try await life.step("load", from: [.initial], to: .loaded) {} }
        do {
            try life.require([.running], for: "reload")
            Issue.record("a relay that does not run was reloaded")
        } catch {
            #expect(error.description == "cannot reload a relay that is loaded: it must be running")
            #expect(error.isRefusal)
        }
    }

    @Test func `a step waits for the one that runs`() async throws {
        let life = RelayLife()
        let began = AsyncStream.makeStream(of: Void.self)
        let mayEnd = AsyncStream.makeStream(of: Void.self)
        let start = Task {
            try await life.step("start", from: [.initial], to: .running) {
                began.continuation.finish()
                for await _ in mayEnd.stream {}
            }
        }
        for await _ in began.stream {}
        let stop = Task { try await life.step("stop", from: [.running], during: .stopping, to: .stopped) {} }
        let running = Task { await life.untilRunning() }
        #expect(life.state == .initial)
        mayEnd.continuation.finish()
        try await start.value
        try await stop.value
        _ = await running.value
        #expect(life.state == .stopped)
        #expect(await !life.untilRunning())
    }

    private func relay(_ configure: (inout Settings) -> Void = { _ in }) throws -> Relay {
        var settings = Settings()
        settings.tcp = [Endpoint(host: "127.0.0.1", port: 0)]
        settings.udp = []
        configure(&settings)
        return try Relay(
            settings: settings,
            console: nil,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    @Test func `a relay that was not started refuses status and reload, and can be stopped`() async throws {
        let relay = try self.relay()
        await #expect(throws: RelayError.self) { try await relay.status() }
        await #expect(throws: RelayError.self) { try await relay.reload() }
        await #expect(throws: RelayError.self) { try await relay.prompt("notice") }
        try await relay.stop()
        await #expect(throws: RelayError.self) { try await relay.start() }
        try await relay.stop()
    }

    @Test func `after a load that failed every call ends, and says why`() async throws {
        let folder = try TemporaryFolder(["a.lua": "nonsense("])
        defer { folder.remove() }
        let relay = try self.relay { $0.scripts = folder.path }
        await #expect(throws: (any Error).self) { try await relay.load() }
        do {
            try await relay.start()
            Issue.record("a relay started that had failed to load")
        } catch {
            #expect("\(error)" == "cannot start a relay that is stopped: it must be initial or loaded")
        }
        await #expect(throws: RelayError.self) { try await relay.status() }
        await #expect(throws: RelayError.self) { try await relay.reload() }
        try await relay.stop()
    }

    @Test func `a relay that was stopped refuses status and reload`() async throws {
        let relay = try self.relay()
        try await relay.start()
        #expect(try await relay.status().clients == 0)
        await #expect(throws: RelayError.self) { try await relay.load() }
        try await relay.stop()
        await #expect(throws: RelayError.self) { try await relay.status() }
        await #expect(throws: RelayError.self) { try await relay.reload() }
    }

    @Test func `reloads and stops at once all come to an end`() async throws {
        let relay = try self.relay()
        try await relay.start()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = try? await relay.reload() } }
            for _ in 0..<3 { group.addTask { try? await relay.stop() } }
            for _ in 0..<20 { group.addTask { _ = try? await relay.status() } }
        }
        #expect(relay.life.state == .stopped)
    }

    @Test func `a step of stopping that fails keeps none of the others from being done`() async throws {
        let scripts = """
            local state = relay.state("kept", { persist = true })
            relay.on("message", function(message) state.text = message.text end)
            relay.on("start", function() print("kept: " .. tostring(state.text)) end)
            """
        let data = try TemporaryFolder([:])
        defer { data.remove() }
        try await LiveRelay.run(scripts: ["a.lua": scripts], { $0.data = data.path }) { relay in
            let ana = try relay.connect()
            ana.send("oi")
            try relay.console(shows: "\(ana.name) disse: oi")
            // The loop is gone before the relay is stopped: nothing that needs it can be done.
            await relay.relay.loop.end()
            await #expect(throws: RelayError.self) { try await relay.relay.stop() }
            #expect(relay.relay.life.state == .stopped)
        }
        // The state was written all the same, and the file is free again.
        try await LiveRelay.run(scripts: ["a.lua": scripts], { $0.data = data.path }) { relay in
            #expect(relay.log.entries.contains { $0.message == "kept: oi" })
        }
    }

    @Test func `open files that leave room for few clients are refused with what is needed`() throws {
        #expect(try OpenFiles.fit(10_000, 0, into: 1_024) == 768)
        #expect(try OpenFiles.fit(100, 0, into: 1_024) == 100)
        #expect(try OpenFiles.fit(2, 0, into: 258) == 2)
        do {
            _ = try OpenFiles.fit(10_000, 10, into: 64)
            Issue.record("64 open files were enough")
        } catch {
            #expect(
                error.description == "the limit on open files is 64, and this relay needs at least 274: raise it with "
                    + "'ulimit -n' or, in a systemd unit, LimitNOFILE="
            )
        }
    }
}
