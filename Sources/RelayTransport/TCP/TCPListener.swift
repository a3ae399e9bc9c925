// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

/// A listening socket: takes connections in the share of a tick that input has.
///
/// Confined to the script loop.
final class TCPListener: InputSource, DescriptorSource {
    private let relay: TCPRelay
    private let descriptor: CInt
    /// The address in use.
    let address: InternetAddress
    private var watch: ScriptLoop.Watch?
    var isQueued = false

    /// Connections that the system keeps until they are taken.
    private static let backlog: CInt = 4_096
    /// Without a descriptor left, taking connections pauses instead of spinning.
    private static let shortagePause = Duration.seconds(1)

    /// Binds an address; connections are taken after ``accept()``.
    init(_ relay: TCPRelay, bindingTo address: InternetAddress) throws(SocketError) {
        var (raw, bound) = (address.raw, csockets_address())
        let descriptor = csockets_tcp_listen(&raw, Self.backlog, &bound)
        guard descriptor >= 0 else { throw SocketError(code: -descriptor) }
        self.relay = relay
        self.descriptor = descriptor
        self.address = InternetAddress(bound)
    }

    deinit { Glibc.close(self.descriptor) }

    /// Begins to take connections, and begins again after a pause.
    func accept() {
        if self.watch == nil {
            self.watch = self.relay.loop.watch(self.descriptor, for: .readable, self)
            if self.watch == nil { self.pause() }
        } else if let watch = self.watch {
            self.relay.loop.change(watch, to: .readable)
        }
    }

    /// Takes no connections any more; the port is free once nothing holds the listener.
    func stop() {
        if let watch = self.watch { self.relay.loop.unwatch(watch) }
        self.watch = nil
    }

    func descriptorReady(_ state: DescriptorState) { self.relay.ticks.enqueue(self) }

    func process(atMost count: Int, until deadline: Moment) -> Bool {
        for _ in 0..<count {
            guard self.watch != nil else { return false }
            var peer = csockets_address()
            let connection = csockets_tcp_accept(self.descriptor, &peer)
            guard connection >= 0 else {
                switch -connection {
                case EAGAIN: return false
                // Without one of these the call fails again and again; everything else is about one connection.
                case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                    self.pause()
                    return false
                default: continue
                }
            }
            self.relay.take(connection, from: InternetAddress(peer))
            if Moment.now >= deadline { return true }
        }
        return true
    }

    // The poller says when there is more.
    func readAgain() -> Bool { false }

    private func pause() {
        if let watch = self.watch { self.relay.loop.change(watch, to: []) }
        self.relay.noteShortage()
        self.relay.loop.schedule(at: .now + Self.shortagePause) { [weak self] in
            guard let self, self.relay.isAccepting else { return }
            self.accept()
        }
    }
}
