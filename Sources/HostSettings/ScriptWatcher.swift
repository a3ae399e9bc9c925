// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
public import RelayHooks

#if canImport(Glibc)
internal import Glibc
#endif

/// Reads a scripts folder again after each change of its files.
///
/// The kernel reports changes, so nothing runs and nothing is read while no file changes. Editors change a file in several
/// steps; the folder is read when it has been quiet for a moment, and now and then while it is not.
///
/// `@unchecked Sendable`: what changes is used on ``queue`` only.
public final class ScriptWatcher: @unchecked Sendable {
    /// The folder's scripts when it was first read; nil if it could not be read.
    public private(set) var first: ScriptSet?
    /// The folder's scripts after each change; nil if it cannot be read.
    ///
    /// An element that is not taken yet is replaced by the next. It may equal the one before: not every change is one of a
    /// script. Ends with ``cancel()``.
    public let changes: AsyncStream<ScriptSet?>

    private let folder: String?
    private let environment: [String: String]
    private let report: @Sendable (SettingsError) -> Void
    private let results: AsyncStream<ScriptSet?>.Continuation
    private let queue = DispatchQueue(label: "script watcher")
    private let events: DirectoryEvents
    private let source: any DispatchSourceRead
    private let timer: any DispatchSourceTimer
    private var interests: [Int32: WatchedNames.Interest] = [:]
    private var burst: ChangeBurst?
    private var isFailing = false

    /// Begins to watch, and reads the folder for the first time.
    ///
    /// - Parameters:
    ///   - folder: The folder; nil for the one that ``ScriptFolder/load(_:environment:)`` finds.
    ///   - environment: The process's environment.
    ///   - report: Receives what is wrong when new directories cannot be watched later, on any thread.
    /// - Throws: ``SettingsError`` if the folder cannot be watched.
    public init(
        _ folder: String?,
        environment: [String: String],
        report: @escaping @Sendable (SettingsError) -> Void
    ) throws(SettingsError) {
        self.folder = folder
        self.environment = environment
        self.report = report
        (self.changes, self.results) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let events = try DirectoryEvents()
        self.events = events
        self.source = DispatchSource.makeReadSource(fileDescriptor: events.descriptor, queue: self.queue)
        self.timer = DispatchSource.makeTimerSource(queue: self.queue)
        self.source.setCancelHandler { close(events.descriptor) }
        self.source.setEventHandler { [weak self] in self?.readEvents() }
        self.timer.setEventHandler { [weak self] in self?.look() }
        self.results.onTermination = { [weak self] _ in self?.cancel() }
        self.source.activate()
        self.timer.activate()
        try self.queue.sync { Result { () throws(SettingsError) in try self.watch() } }.get()
        self.first = self.read()
    }

    deinit { self.cancel() }

    /// Stops watching and ends ``changes``.
    public func cancel() {
        self.source.cancel()
        self.timer.cancel()
        self.results.finish()
    }

    // MARK: On the queue

    private func readEvents() {
        guard self.events.read().contains(where: { $0.matters(to: self.interests) }) else { return }
        let burst = self.burst ?? ChangeBurst(at: .now())
        self.timer.schedule(deadline: burst.next(at: .now()))
        self.burst = burst
    }

    private func look() {
        self.burst = nil
        do throws(SettingsError) {
            try self.watch()
            self.isFailing = false
        } catch {
            if !self.isFailing { self.report(error) }
            self.isFailing = true
        }
        // Watched first, read then: what changes in between is read, or is an event.
        self.results.yield(self.read())
    }

    /// Watches the directories that matter now, and no others.
    private func watch() throws(SettingsError) {
        let folders = self.folder.map { [$0] } ?? ScriptFolder.candidates(self.environment)
        let names = WatchedNames(folders, from: FileManager.default.currentDirectoryPath)
        let before = Set(self.interests.keys)
        self.interests = [:]
        var failure: SettingsError?
        for (directory, interest) in names.directories {
            do throws(SettingsError) {
                guard let watch = try self.events.watch(directory, hasContent: interest.hasContent) else { continue }
                // One directory may have two paths.
                self.interests[watch, default: .init()].formUnion(interest)
            } catch {
                failure = error
            }
        }
        for watch in before.subtracting(self.interests.keys) { self.events.unwatch(watch) }
        if let failure { throw failure }
    }

    private func read() -> ScriptSet? { try? ScriptFolder.load(self.folder, environment: self.environment).set }
}

/// Changes that follow each other closely, which count as one.
struct ChangeBurst {
    /// When it counts as over although changes go on.
    private let end: DispatchTime

    /// How long it is quiet after the last change, and how long a burst may last.
    static let quiet = DispatchTimeInterval.milliseconds(100)
    static let longest = DispatchTimeInterval.seconds(1)

    /// Begins with a change.
    init(at time: DispatchTime) { self.end = time + Self.longest }

    /// When to look, unless more changes come until then.
    func next(at time: DispatchTime) -> DispatchTime { min(time + Self.quiet, self.end) }
}
