// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
internal import HostSettings
internal import RelayHooks
internal import ServiceLifecycle
internal import UnixSignals

/// Reloads a relay's scripts at each SIGHUP.
struct ReloadSignals: Service {
    let relay: Relay

    func run() async throws {
        // A service group ends with the first of its services, so this one ends only with it.
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            // What is wrong is in the log.
            _ = try? await self.relay.reload()
        }
        try? await gracefulShutdown()
    }
}

/// Reloads a relay's scripts when one of their files has changed.
struct ScriptWatch: Service {
    let relay: Relay
    /// The folder that is asked for.
    let folder: String?

    /// Between two looks at the files.
    private static let pause = Duration.milliseconds(300)

    func run() async throws {
        var last = await self.scripts()
        // Ends with the task that sleeps.
        while (try? await Task.sleep(for: Self.pause)) != nil, !Task.isShuttingDownGracefully {
            let now = await self.scripts()
            // A folder that cannot be read now may be one that an editor is just writing.
            guard let now, now != last else { continue }
            last = now
            _ = try? await self.relay.reload()
        }
        try? await gracefulShutdown()
    }

    /// What is in the folder, read where that keeps nobody waiting.
    private func scripts() async -> ScriptSet? {
        await withCheckedContinuation { done in
            DispatchQueue.global()
                .async { [folder] in
                    let environment = ProcessInfo.processInfo.environment
                    done.resume(returning: try? ScriptFolder.load(folder, environment: environment).set)
                }
        }
    }
}
