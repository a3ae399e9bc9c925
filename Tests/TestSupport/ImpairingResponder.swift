// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A UDP server on loopback that answers pings as badly as a seed decides, and writes down with its own clock what it did.
///
/// It stands for a relay behind a bad network. Needs ``close()`` in the end.
package final class ImpairingResponder: @unchecked Sendable {
    // Sendable: `state` is used only while `condition` is locked, and nothing else changes.

    /// What it does to pings; of each ping by chance.
    package struct Impairments: Sendable {
        /// How long answers take: one of these.
        package var delays: [Duration] = [.zero]
        /// The share of pings that get no answer.
        package var loss = 0.0
        /// The share of answers that are sent twice.
        package var duplicates = 0.0
        /// How much later the second one is sent.
        package var duplicateDelay = Duration.milliseconds(2)
        /// The share of pings that a stranger answers first, from another port.
        package var strangers = 0.0
        /// The share of pings that are first answered with other bytes.
        package var garbled = 0.0

        package init(delays: [Duration] = [.zero]) { self.delays = delays }
    }

    /// A ping that arrived and what became of it; times are nanoseconds of CLOCK_MONOTONIC.
    package struct Ping: Sendable {
        /// The port it came from.
        package var sourcePort: Int
        /// When the kernel received it.
        package var arrival: Int64
        /// Whether it gets no answer.
        package var isLost: Bool
        /// When answers were sent: just before, and just after.
        package var answers: [(before: Int64, after: Int64)] = []
        /// Answers of strangers.
        package var strangers = 0
        /// Answers of other bytes.
        package var garbled = 0
    }

    fileprivate struct Answer {
        var ping: Int
        var moment: Int64
        var to: sockaddr_in
    }

    fileprivate struct State {
        var random: SplitMix64
        var impairments: Impairments
        var pings: [Ping] = []
        /// Answers to be sent, the earliest first.
        var answers: [Answer] = []
        /// Answers that are being sent.
        var sending = 0
        var isClosed = false
    }

    /// The port it listens at, on 127.0.0.1.
    package let port: Int
    private let descriptor: CInt
    private let stranger: CInt
    private let condition = NSCondition()
    private let threads = DispatchGroup()
    private var state: State

    /// Begins to answer.
    package init(_ impairments: Impairments = Impairments(), seed: UInt64 = 1) throws {
        self.state = State(random: SplitMix64(seed: seed), impairments: impairments)
        (self.descriptor, self.port) = try Self.open()
        self.stranger = try Self.open().descriptor
        var on: CInt = 1
        setsockopt(self.descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, socklen_t(MemoryLayout<CInt>.size))
        for work in [self.receive, self.send] {
            self.threads.enter()
            let thread = Thread { [self] in
                work()
                self.threads.leave()
            }
            thread.name = "responder"
            thread.start()
        }
    }

    /// Changes what happens to pings that arrive from now on.
    package func impair(_ change: (inout Impairments) -> Void) { self.locked { change(&$0.impairments) } }

    /// The pings that have arrived, in order.
    package var pings: [Ping] { self.locked { $0.pings } }

    /// Whether all answers have been sent.
    package var isIdle: Bool { self.locked { $0.answers.isEmpty && $0.sending == 0 } }

    /// Ends, and returns once it has; what has not been answered will not be.
    package func close() {
        let wasClosed = self.locked { state in
            defer { state.isClosed = true }
            return state.isClosed
        }
        guard !wasClosed else { return }
        var own = Self.loopback(self.port)
        Self.send([], from: self.stranger, to: &own)
        self.threads.wait()
        Glibc.close(self.descriptor)
        Glibc.close(self.stranger)
    }

    private func locked<Result>(_ body: (inout State) -> Result) -> Result {
        self.condition.lock()
        defer { self.condition.unlock() }
        defer { self.condition.broadcast() }
        return body(&self.state)
    }

    // MARK: Threads

    /// Takes pings in, and sends what is due at once.
    private func receive() {
        while let (name, arrival) = self.next() {
            var name = name
            let (strangers, garbled, answer) = self.locked { $0.decide(from: name, arrival) }
            for _ in 0..<strangers { Self.send(Array("ping".utf8), from: self.stranger, to: &name) }
            for text in garbled { Self.send(Array(text.utf8), from: self.descriptor, to: &name) }
            if let answer { self.send(answer) }
        }
    }

    /// Sends each answer when its time has come.
    private func send() {
        self.condition.lock()
        defer { self.condition.unlock() }
        while !self.state.isClosed {
            guard let next = self.state.answers.first else {
                self.condition.wait()
                continue
            }
            let left = next.moment - Self.clock(CLOCK_MONOTONIC)
            guard left <= 0 else {
                _ = self.condition.wait(until: Date(timeIntervalSinceNow: Double(left) / 1e9))
                continue
            }
            self.state.answers.removeFirst()
            self.state.sending += 1
            self.condition.unlock()
            self.send(next)
            self.condition.lock()
        }
    }

    private func send(_ answer: Answer) {
        var name = answer.to
        let before = Self.clock(CLOCK_MONOTONIC)
        Self.send(Array("ping".utf8), from: self.descriptor, to: &name)
        let after = Self.clock(CLOCK_MONOTONIC)
        self.locked { state in
            state.pings[answer.ping].answers.append((before, after))
            state.sending -= 1
        }
    }

    // MARK: Sockets

    /// Waits for a ping; nil at the end.
    private func next() -> (name: sockaddr_in, arrival: Int64)? {
        var name = sockaddr_in()
        var bytes = [UInt8](repeating: 0, count: 64)
        // A header of 16 bytes, then a timespec (cmsg(3)); aligned as a header is.
        var control = [UInt64](repeating: 0, count: 8)
        let count = withUnsafeMutablePointer(to: &name) { name in
            bytes.withUnsafeMutableBytes { bytes in
                control.withUnsafeMutableBytes { control in
                    var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                    return withUnsafeMutablePointer(to: &part) { part in
                        var message = msghdr()
                        message.msg_name = UnsafeMutableRawPointer(name)
                        message.msg_namelen = socklen_t(MemoryLayout<sockaddr_in>.size)
                        message.msg_iov = part
                        message.msg_iovlen = 1
                        message.msg_control = control.baseAddress
                        message.msg_controllen = control.count
                        return recvmsg(self.descriptor, &message, 0)
                    }
                }
            }
        }
        let offset = Self.offset()
        guard count >= 0, !self.locked({ $0.isClosed }) else { return nil }
        let stamp = control.withUnsafeBytes { control in
            control.load(fromByteOffset: 16, as: Int64.self) * 1_000_000_000
                + control.load(fromByteOffset: 24, as: Int64.self)
        }
        return (name, stamp == 0 ? Self.clock(CLOCK_MONOTONIC) : stamp - offset)
    }

    private static func open() throws -> (descriptor: CInt, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var name = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else { throw NeverHappened(description: "bind: \(String(cString: strerror(errno)))") }
        return (descriptor, Int(in_port_t(bigEndian: name.sin_port)))
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(port).bigEndian
        name.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        return name
    }

    private static func send(_ bytes: [UInt8], from descriptor: CInt, to name: inout sockaddr_in) {
        _ = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bytes.withUnsafeBytes {
                    sendto(descriptor, $0.baseAddress, $0.count, 0, name, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }

    /// The wall clock minus the monotonic one: where the least came between the readings.
    private static func offset() -> Int64 {
        let tries = (0..<3)
            .map { _ in
                let before = Self.clock(CLOCK_MONOTONIC)
                let wall = Self.clock(CLOCK_REALTIME)
                let after = Self.clock(CLOCK_MONOTONIC)
                return (span: after - before, offset: wall - before - (after - before) / 2)
            }
        return tries.min { $0.span < $1.span }?.offset ?? 0
    }

    private static func clock(_ clock: clockid_t) -> Int64 {
        var now = timespec()
        clock_gettime(clock, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}

extension ImpairingResponder.State {
    /// Decides a ping's fate, with as many random numbers as for any other.
    ///
    /// - Returns: How often a stranger answers, what else is answered, and the answer that is due at once.
    fileprivate mutating func decide(
        from name: sockaddr_in,
        _ arrival: Int64
    ) -> (strangers: Int, garbled: [String], answer: ImpairingResponder.Answer?) {
        let delay = self.impairments.delays.randomElement(using: &self.random) ?? .zero
        let isLost = Double.random(in: 0..<1, using: &self.random) < self.impairments.loss
        let isTwice = Double.random(in: 0..<1, using: &self.random) < self.impairments.duplicates
        let strangers = Double.random(in: 0..<1, using: &self.random) < self.impairments.strangers ? 1 : 0
        let isGarbled = Double.random(in: 0..<1, using: &self.random) < self.impairments.garbled
        let text = ["pong", "ping\n", "", "PING", "pin", "pingping"].randomElement(using: &self.random) ?? ""
        let garbled = isGarbled ? [text] : []
        self.pings.append(
            .init(
                sourcePort: Int(in_port_t(bigEndian: name.sin_port)),
                arrival: arrival,
                isLost: isLost,
                strangers: strangers,
                garbled: garbled.count
            )
        )
        guard !isLost else { return (strangers, garbled, nil) }
        let first = ImpairingResponder.Answer(
            ping: self.pings.count - 1,
            moment: arrival + Self.nanoseconds(delay),
            to: name
        )
        if isTwice {
            var second = first
            second.moment += Self.nanoseconds(self.impairments.duplicateDelay)
            self.schedule(second)
        }
        guard delay > .zero else {
            self.sending += 1
            return (strangers, garbled, first)
        }
        self.schedule(first)
        return (strangers, garbled, nil)
    }

    private mutating func schedule(_ answer: ImpairingResponder.Answer) {
        let place = self.answers.firstIndex { $0.moment > answer.moment } ?? self.answers.endIndex
        self.answers.insert(answer, at: place)
    }

    private static func nanoseconds(_ span: Duration) -> Int64 {
        span.components.seconds * 1_000_000_000 + span.components.attoseconds / 1_000_000_000
    }
}
