// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Logging
internal import RelayHooks
internal import Synchronization

/// Writes the lines of scripts to files, on a thread of its own, so that a slow disk holds up nobody.
///
/// Lines wait in memory up to a bound, and beyond that they are dropped. Those of a file that cannot be written wait, and are
/// tried again; they may take up a part of the memory only.
final class ScriptFiles: FileOutput, Sendable {
    /// What may wait, in bytes: of all files, and of one that cannot be written.
    private static let waitingBytes = 4 << 20
    private static let failingBytes = 1 << 20
    /// What a line counts beside its bytes.
    private static let lineBytes = 64
    /// How long a file that cannot be written is left alone.
    private static let pause = DispatchTimeInterval.seconds(1)
    /// How long a stopping relay waits for the disk, in seconds.
    private static let patience = 5

    /// The lines of a file.
    private struct Queue {
        var declaration: FileDeclaration
        var lines: [[UInt8]] = []
        var bytes = 0
        /// Whether it waits to be tried again, and whether that it fails was logged.
        var isFailing = false
        var isReported = false
    }

    private struct Waiting {
        var queues: [String: Queue] = [:]
        var bytes = 0
        var isScheduled = false
        var isRetryScheduled = false
        /// Whether lines were dropped since everything was written.
        var isDropping = false
    }

    private let waiting = Mutex(Waiting())
    private let thread = DispatchQueue(label: "files")
    private let folder: DataFolder
    private let logger: Logger

    init(folder: DataFolder, logger: Logger) {
        self.folder = folder
        self.logger = logger
    }

    func problem(with file: FileDeclaration) -> String? {
        guard case .failure(let failure) = self.folder.path else { return nil }
        return failure.reason
    }

    func write(_ line: [UInt8], to file: FileDeclaration) -> Bool {
        let size = line.count + Self.lineBytes
        let (isTaken, mustSchedule, mustWarn) = self.waiting.withLock { waiting in
            let queue = waiting.queues[file.name]
            let isFull =
                waiting.bytes + size > Self.waitingBytes
                || (queue?.isFailing == true && (queue?.bytes ?? 0) + size > Self.failingBytes)
            if isFull {
                defer { waiting.isDropping = true }
                return (false, false, !waiting.isDropping)
            }
            waiting.queues[file.name, default: Queue(declaration: file)].lines.append(line)
            waiting.queues[file.name]?.bytes += size
            waiting.queues[file.name]?.declaration = file
            waiting.bytes += size
            // One that fails is tried again when its time comes.
            guard !waiting.isScheduled, queue?.isFailing != true else { return (true, false, false) }
            waiting.isScheduled = true
            return (true, true, false)
        }
        if mustSchedule { self.thread.async { self.writeWaiting() } }
        if mustWarn {
            self.logger.warning(
                "lines of files are dropped: more come than the disk takes",
                metadata: ["file.name": "\(file.name)"]
            )
        }
        return isTaken
    }

    /// Writes everything, or what a few seconds allow.
    func close() {
        let done = DispatchSemaphore(value: 0)
        self.thread.async {
            self.retry()
            done.signal()
        }
        _ = done.wait(timeout: .now() + .seconds(Self.patience))
        let lost = self.waiting.withLock { waiting in waiting.queues.values.reduce(0) { $0 + $1.lines.count } }
        if lost > 0 {
            self.logger.error("lines of files are lost: they could not be written", metadata: ["file.lines": "\(lost)"])
        }
    }

    // MARK: On the thread

    /// Writes what waits, of files that can be written.
    private func writeWaiting() {
        while let (declaration, lines) = self.takeLines() {
            var rest = lines[...]
            do throws(RotatingFile.Failure) {
                let file = RotatingFile(declaration, in: try self.makeFolder())
                while !rest.isEmpty {
                    let count = try file.append(rest)
                    self.release(rest.prefix(count), of: declaration.name)
                    rest = rest.dropFirst(count)
                }
            } catch {
                self.putBack(rest, of: declaration.name, error)
            }
        }
    }

    private func makeFolder() throws(RotatingFile.Failure) -> String {
        do throws(DataFolder.Failure) {
            return try self.folder.make("files")
        } catch {
            throw RotatingFile.Failure(reason: error.reason)
        }
    }

    /// Takes the lines of a file that does not fail; if there is none, the next line asks for another turn.
    private func takeLines() -> (declaration: FileDeclaration, lines: [[UInt8]])? {
        self.waiting.withLock { waiting in
            for (name, queue) in waiting.queues where !queue.isFailing && !queue.lines.isEmpty {
                waiting.queues[name]?.lines = []
                return (queue.declaration, queue.lines)
            }
            waiting.isScheduled = false
            if waiting.bytes == 0 { waiting.isDropping = false }
            return nil
        }
    }

    /// Gives back the memory of lines that are written.
    private func release(_ lines: ArraySlice<[UInt8]>, of name: String) {
        let size = lines.reduce(0) { $0 + $1.count + Self.lineBytes }
        let wasReported = self.waiting.withLock { waiting in
            waiting.bytes -= size
            waiting.queues[name]?.bytes -= size
            defer { waiting.queues[name]?.isReported = false }
            return waiting.queues[name]?.isReported == true
        }
        if wasReported { self.logger.notice("file is written again", metadata: ["file.name": "\(name)"]) }
    }

    /// Has lines wait for the file to be tried again.
    private func putBack(_ lines: ArraySlice<[UInt8]>, of name: String, _ failure: RotatingFile.Failure) {
        let (wasReported, mustSchedule) = self.waiting.withLock { waiting in
            waiting.queues[name]?.lines.insert(contentsOf: lines, at: 0)
            waiting.queues[name]?.isFailing = true
            defer {
                waiting.queues[name]?.isReported = true
                waiting.isRetryScheduled = true
            }
            return (waiting.queues[name]?.isReported == true, !waiting.isRetryScheduled)
        }
        if mustSchedule { self.thread.asyncAfter(deadline: .now() + Self.pause) { [weak self] in self?.retry() } }
        guard !wasReported else { return }
        self.logger.error(
            "file cannot be written: its lines wait",
            metadata: ["file.name": "\(name)", "error": "\(failure.reason)"]
        )
    }

    /// Tries those again that failed.
    private func retry() {
        self.waiting.withLock { waiting in
            waiting.isRetryScheduled = false
            for name in waiting.queues.keys { waiting.queues[name]?.isFailing = false }
        }
        self.writeWaiting()
    }
}
