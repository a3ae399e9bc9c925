// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Every bound of a relay, with its default.
///
/// Sizes are bytes.
public struct Limits: Sendable, Equatable {
    /// What happens to a client whose unsent bytes pass ``unsentBytes``.
    public enum SlowPolicy: String, Sendable, CaseIterable {
        /// It is disconnected.
        case disconnect
        /// It stays, and misses what comes until it has caught up.
        case drop
    }

    /// The longest inbound message.
    public var messageBytes = 64 << 10
    /// What a script's answer may have beyond three times ``messageBytes``: room for the name and words around a longest message.
    public var answerExtraBytes = 4 << 10
    /// The most clients at a time.
    public var clients = 10_000
    /// Bytes kept for a client that reads too slowly.
    public var unsentBytes = 1 << 20
    /// Bytes kept for all TCP clients that read too slowly; beyond that those with the most are disconnected.
    public var totalUnsentBytes = 512 << 20
    /// What happens past ``unsentBytes``.
    public var slowPolicy = SlowPolicy.disconnect
    /// Unprocessed input of one client; beyond that the client is not read.
    public var inputBytes = 256 << 10
    /// The longest text that is sent as a datagram: what fits into an Ethernet frame, tunnels allowed for.
    public var datagramBytes = 1_400
    /// Unprocessed input of one UDP address; beyond that it is not read, and the kernel drops what it cannot keep.
    public var endpointInputBytes = 4 << 20
    /// Output that waits for one UDP address; beyond that it is dropped.
    public var endpointOutputBytes = 4 << 20
    /// Clients that may join over UDP in a second.
    public var joinsPerSecond = 200
    /// How long a client of a UDP address may be silent.
    public var idleTime = Duration.seconds(24 * 60 * 60)
    /// Output of one tick; a tick that reaches it ends early.
    public var tickBytes = 256 << 10
    /// Output of one tick beyond which scripts may send no more: what one hook can make the host keep.
    public var outputBytes = 64 << 20
    /// The longest name of a client, a room or a dialect.
    public var nameBytes = 128
    /// The most rooms at a time.
    public var rooms = 10_000
    /// The most dialects in one process.
    public var dialects = 64
    /// The most hooks that scripts may register.
    public var hooks = 1_000
    /// The most timers of scripts at a time.
    public var timers = 1_000
    /// Time that the limit-passing calls of one hook may waste within ``pauseWindow`` before it is paused.
    public var pauseAfter = Duration.milliseconds(200)
    /// The time over which wasted time adds up.
    public var pauseWindow = Duration.seconds(10)
    /// How long a hook is paused.
    public var pauseTime = Duration.seconds(30)
    /// Bytes of lines that wait for a slow console, and as many for a slow log; lines beyond that are dropped, and a line says
    /// how many.
    public var consoleBytes = 4 << 20
    /// How long a partial line of a connection with `auto` framing waits for its end.
    public var silence = Duration.milliseconds(500)
    /// How long a stopping relay waits for unsent bytes to leave.
    public var flushTime = Duration.seconds(5)

    /// Makes the default limits.
    public init() {}

    /// The longest text that a script may answer or send.
    ///
    /// What is not UTF-8 becomes three times as long when it is made so (U+FFFD), and must still have room.
    public var answerBytes: Int { 3 * self.messageBytes + self.answerExtraBytes }
}
