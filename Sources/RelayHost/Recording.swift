// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import LineOutput
internal import Logging
internal import OwnedFiles
internal import RelayCore
internal import RelayHooks

#if canImport(Glibc)
internal import Glibc
#endif

/// The file of a recording, written by a thread of its own.
final class RecordingFile: Sendable {
    private let descriptor: CInt
    private let writer: LineWriter

    /// Bytes of lines that may wait for the disk.
    private static let waitingBytes = 16 << 20

    /// Opens a file to record in; what is in it stays until ``begin(at:)``.
    ///
    /// - Parameters:
    ///   - path: The file; an older recording is replaced, and nothing else is.
    ///   - logger: The operational log.
    /// - Throws: ``RelayError`` if the file cannot be had.
    init(_ path: String, _ logger: Logger) throws(RelayError) {
        do {
            self.descriptor = try OwnedFile.open(path, O_RDWR | O_CREAT, privacy: .owner)
        } catch {
            throw RelayError("cannot record in '\(path)': \(error.reason); or choose another file with --record")
        }
        guard Self.isReplaceable(self.descriptor) else {
            Glibc.close(self.descriptor)
            throw RelayError("'\(path)' is there, and no recording; choose another file with --record")
        }
        guard flock(self.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(self.descriptor)
            throw RelayError("another relay records in '\(path)'; choose another file with --record")
        }
        self.writer = LineWriter(
            descriptor: self.descriptor,
            limit: Self.waitingBytes,
            label: "recording",
            notice: { lines in
                var event = RecordedEvent(.dropped, at: Date().timeIntervalSince1970)
                event.lines = lines
                return event.line
            }
        )
        self.writer.onBreak {
            logger.error("the recording ended: its file cannot be written", metadata: ["record.file": "\(path)"])
        }
    }

    /// Replaces what is in the file by a new recording.
    func begin(at time: Double) {
        // It is a regular file, and nothing was written yet.
        _ = ftruncate(self.descriptor, 0)
        self.write(RecordedEvent(.begin, at: time))
    }

    /// Whether a file is empty or a recording.
    private static func isReplaceable(_ descriptor: CInt) -> Bool {
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return false }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return count == 0 }
        let line = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }
        return (try? JSONDecoder().decode(RecordedEvent.self, from: Data(line)))?.event == .begin
    }

    /// Adds an event; never waits for the disk.
    func write(_ event: RecordedEvent) { self.writer.write(LineEscaping.escapedJSON(event.line)) }

    /// Writes what waits, and closes the file.
    func close() { self.writer.close() }
}

/// Writes down what clients say and what becomes of it, for `luar replay`.
///
/// Confined to the script loop.
final class Recording {
    let file: RecordingFile
    private let clock: () -> Double

    /// Makes a recording in a file.
    ///
    /// - Parameters:
    ///   - file: Where it goes.
    ///   - clock: Unix seconds.
    init(_ file: RecordingFile, clock: @escaping () -> Double) {
        self.file = file
        self.clock = clock
    }

    /// Notes what hooks are asked about from now on.
    func observe(_ hooks: HookEngine) {
        hooks.observers.onAdmissionRequest = { [unowned self] client, text in
            self.file.write(RecordedEvent(admit: client, text, at: self.clock()))
        }
        hooks.observers.onMessage = { [unowned self] in self.file.write(RecordedEvent($0, at: self.clock())) }
        hooks.observers.onLeave = { [unowned self] in self.file.write(RecordedEvent(leave: $0, at: self.clock())) }
    }

    /// Notes nothing more.
    func end(_ hooks: HookEngine) {
        (hooks.observers.onAdmissionRequest, hooks.observers.onMessage, hooks.observers.onLeave) = (nil, nil, nil)
    }
}
