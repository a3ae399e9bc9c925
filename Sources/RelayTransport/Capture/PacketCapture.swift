// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import Foundation
internal import LineOutput
public import Logging
internal import OwnedFiles
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Records what is sent and received in a file that Wireshark and tcpdump read: pcap, with raw IP packets
/// (draft-ietf-opsawg-pcap, link type 101).
///
/// The packets are made up around the texts: TCP handshakes, sequence numbers and ends stand where connections begin, go
/// on and end, but segments, acknowledgements and losses of the real network do not. Written by a thread of its own,
/// through a bounded queue; what does not fit is counted and missing.
public final class PacketCapture: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        var dropped = 0
        var isScheduled = false
        var isBroken = false
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "capture")
    private let descriptor: CInt
    private let path: String
    private let logger: Logger

    /// Bytes that may wait for the disk.
    private static let waitingBytes = 16 << 20

    /// Why a file is not written to.
    public struct Refusal: Error {
        /// The reason, for the person who named the file.
        public let reason: String
    }

    /// Opens a file, which keeps what it holds until ``begin()``, or a named pipe that somebody reads.
    ///
    /// - Parameters:
    ///   - path: The file, which must be this user's; only its owner may read it, as people's texts are in it. `/dev/stdout`
    ///     is standard output.
    ///   - logger: Where problems are told.
    /// - Throws: ``Refusal`` if the file cannot be opened, is being written by another relay, or holds something else than a
    ///   capture.
    public init(path: String, logger: Logger) throws(Refusal) {
        do {
            self.descriptor = try OwnedFile.open(path, O_WRONLY | O_CREAT, privacy: .owner, kind: .output)
        } catch {
            throw Refusal(reason: error.reason)
        }
        self.path = path
        self.logger = logger
        if let reason = Self.refusal(path, self.descriptor) {
            Glibc.close(self.descriptor)
            throw Refusal(reason: reason)
        }
    }

    /// Why an open file must not be written over, if so.
    private static func refusal(_ path: String, _ descriptor: CInt) -> String? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return "another program is writing to it" }
        guard status.st_size > 0 else { return nil }
        let reader: CInt
        do {
            reader = try OwnedFile.open(path, O_RDONLY, privacy: .owner, kind: .output)
        } catch {
            return error.reason
        }
        defer { Glibc.close(reader) }
        let magic = Packet.fileHeader.prefix(4)
        var beginning = [UInt8](repeating: 0, count: magic.count)
        let count = Glibc.read(reader, &beginning, beginning.count)
        return count == magic.count && beginning[...] == magic ? nil : "it holds something else than a capture"
    }

    /// Begins the file anew.
    public func begin() {
        // What is no ordinary file has no length.
        _ = ftruncate(self.descriptor, 0)
        self.append(Packet.fileHeader)
    }

    /// Records a datagram.
    func datagram(from: InternetAddress, to: InternetAddress, _ bytes: UnsafeRawBufferPointer) {
        self.append(Packet.datagram(from: from, to: to, bytes))
    }

    /// Begins to record a connection.
    func connection(local: InternetAddress, remote: InternetAddress) -> StreamCapture {
        StreamCapture(self, local: local, remote: remote)
    }

    /// Writes what waits and closes the file; a pipe that nobody reads is not waited for long.
    public func close() {
        let done = DispatchSemaphore(value: 0)
        self.queue.async {
            self.writeWaiting()
            self.state.withLock { $0.isBroken = true }
            Glibc.close(self.descriptor)
            done.signal()
        }
        _ = done.wait(timeout: .now() + .seconds(2))
        let dropped = self.state.withLock { $0.dropped }
        if dropped > 0 {
            self.logger.warning(
                "packets are missing in the capture: the disk was too slow",
                metadata: ["capture.file": "\(self.path)", "capture.missing": "\(dropped)"]
            )
        }
    }

    /// Takes a packet with its time.
    func append(_ packet: [UInt8]) {
        let mustSchedule = self.state.withLock { state -> Bool in
            guard !state.isBroken else { return false }
            guard state.waiting.count + packet.count <= Self.waitingBytes else {
                state.dropped += 1
                return false
            }
            state.waiting += packet
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if mustSchedule { self.queue.async { self.writeWaiting() } }
    }

    private func writeWaiting() {
        while true {
            let block = self.state.withLock { state -> [UInt8] in
                defer { state.waiting = [] }
                if state.waiting.isEmpty { state.isScheduled = false }
                return state.waiting
            }
            guard !block.isEmpty else { return }
            do {
                try DescriptorOutput.write(block, to: self.descriptor)
            } catch {
                self.state.withLock { $0.isBroken = true }
                self.logger.error(
                    "the capture ends here: its file cannot be written",
                    metadata: ["capture.file": "\(self.path)", "error": "\(error)"]
                )
                return
            }
        }
    }
}

/// One TCP connection in a capture.
///
/// Confined to the script loop.
final class StreamCapture {
    private let capture: PacketCapture
    private var ours: Packet.StreamEnd
    private var theirs: Packet.StreamEnd
    private var isOpen = true

    init(_ capture: PacketCapture, local: InternetAddress, remote: InternetAddress) {
        self.capture = capture
        self.ours = Packet.StreamEnd(address: local)
        self.theirs = Packet.StreamEnd(address: remote)
        // The client calls.
        self.append(.synchronize, [], isOutbound: false)
        self.append([.synchronize, .acknowledge], [], isOutbound: true)
        self.append(.acknowledge, [], isOutbound: false)
    }

    func received(_ bytes: UnsafeRawBufferPointer) { self.append(bytes, isOutbound: false) }

    func sent(_ bytes: UnsafeRawBufferPointer) { self.append(bytes, isOutbound: true) }

    /// The connection is over.
    func ended() {
        guard self.isOpen else { return }
        self.isOpen = false
        self.append([.finish, .acknowledge], [], isOutbound: true)
        self.append([.finish, .acknowledge], [], isOutbound: false)
        self.append(.acknowledge, [], isOutbound: true)
    }

    private func append(_ bytes: UnsafeRawBufferPointer, isOutbound: Bool) {
        guard self.isOpen else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            let segment = rest.prefix(Packet.longestSegment)
            self.append([.push, .acknowledge], Array(segment), isOutbound: isOutbound)
            rest = rest.dropFirst(segment.count)
        }
    }

    private func append(_ flags: Packet.StreamFlags, _ bytes: [UInt8], isOutbound: Bool) {
        if isOutbound {
            self.capture.append(Packet.segment(from: &self.ours, to: self.theirs, flags, bytes))
        } else {
            self.capture.append(Packet.segment(from: &self.theirs, to: self.ours, flags, bytes))
        }
    }
}
