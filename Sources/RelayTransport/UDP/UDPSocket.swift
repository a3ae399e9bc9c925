// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CSockets

#if canImport(Glibc)
internal import Glibc
#endif

/// A UDP socket with what it needs for many datagrams a system call.
///
/// Confined to one thread at a time: it is opened on one and then used by its endpoint's.
final class UDPSocket {
    /// What became of sending.
    enum Sending: Equatable {
        /// Everything was sent or counted as failed.
        case done
        /// The socket takes no more now.
        case blocked
        /// The system has no memory for it now.
        case exhausted
    }

    /// How often one call is tried that fails for what is no fault of its own: an error of an earlier datagram, which the
    /// system tells to the next call.
    private static let pendingTries = 8

    /// How often sending a datagram is tried.
    static func tries(after code: CInt) -> Int {
        switch code {
        // What the network said of an earlier one, told once each, and there may be several; or of this one.
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, EMSGSIZE, ENOPROTOOPT, EPROTO, EACCES:
            self.pendingTries
        // Room may come with time.
        case ENOBUFS, ENOMEM: 5
        // A firewall's no, or an address that cannot be sent to.
        default: 1
        }
    }

    private(set) var descriptor: CInt
    /// The address in use.
    let address: InternetAddress
    private let receiver: OpaquePointer
    private let sender: OpaquePointer
    /// How often the next datagram has failed.
    private var tries = 0
    /// Datagrams sent.
    private(set) var sent = 0
    /// Datagrams that could not be sent, by error number.
    private(set) var failures: [CInt: Int] = [:]
    /// Told of each stretch that was sent: where its first datagram stands in the batch, and the number of datagrams.
    var onSent: ((_ batch: DatagramBatch, _ run: Int, _ text: Int, _ count: Int) -> Void)?

    /// Opens and binds a socket.
    ///
    /// - Parameters:
    ///   - address: Where to.
    ///   - bufferBytes: The buffers to ask for.
    ///   - datagramBytes: The longest datagram taken whole.
    /// - Throws: The error number.
    init(bindingTo address: InternetAddress, bufferBytes: Int, datagramBytes: Int) throws(SocketError) {
        var bound = csockets_address()
        var raw = address.raw
        let descriptor = csockets_udp_open(&raw, CInt(clamping: bufferBytes), &bound)
        guard descriptor >= 0 else { throw SocketError(code: -descriptor) }
        guard let receiver = csockets_receiver_make(Self.slots, datagramBytes) else {
            Glibc.close(descriptor)
            throw SocketError(code: ENOMEM)
        }
        guard let sender = csockets_sender_make() else {
            csockets_receiver_free(receiver)
            Glibc.close(descriptor)
            throw SocketError(code: ENOMEM)
        }
        self.descriptor = descriptor
        self.address = InternetAddress(bound)
        self.receiver = receiver
        self.sender = sender
    }

    /// Datagrams received by one system call.
    private static let slots: CUnsignedInt = 64

    deinit {
        self.close()
        csockets_receiver_free(self.receiver)
        csockets_sender_free(self.sender)
    }

    /// Gives the port back.
    func close() {
        if self.descriptor >= 0 { Glibc.close(self.descriptor) }
        self.descriptor = -1
    }

    /// What the kernel keeps of datagrams that were not received yet, in its own count.
    var receiveBuffer: Int { Int(csockets_receive_buffer(self.descriptor)) }

    /// Datagrams that the kernel has dropped because nobody received them in time.
    var droppedByKernel: UInt32 { csockets_dropped(self.receiver) }

    /// Receives what is there, up to as much as one call takes; returns the number of datagrams.
    func receive() -> Int {
        // An error that is pending from an earlier datagram fails the call once, while good datagrams wait.
        for _ in 0..<Self.pendingTries {
            let count = csockets_receive(self.receiver, self.descriptor)
            if count >= 0 { return Int(count) }
            if count == -EAGAIN { break }
        }
        return 0
    }

    /// A datagram that was just received, and its bytes.
    func arrival(_ index: Int) -> (csockets_arrival, UnsafePointer<UInt8>)? {
        guard let arrival = csockets_arrival_at(self.receiver, CUnsignedInt(index)),
            let bytes = csockets_bytes_at(self.receiver, CUnsignedInt(index))
        else { return nil }
        return (arrival.pointee, bytes)
    }

    /// The next peer at whose port nobody listens, or that failed otherwise; nil when all errors are told.
    func takeError() -> csockets_error? {
        var error = csockets_error()
        return csockets_take_error(self.descriptor, &error) == 1 ? error : nil
    }

    /// Sends a batch, or goes on with it: from the next datagram on that was neither sent nor failed.
    ///
    /// - Parameters:
    ///   - batch: The same as before, until it is done.
    ///   - isNew: Whether it is begun.
    /// - Returns: How far that went.
    func send(_ batch: DatagramBatch, isNew: Bool) -> Sending {
        batch.texts.withUnsafeBufferPointer { texts in
            batch.recipients.withUnsafeBufferPointer { recipients in
                batch.runs.withUnsafeBufferPointer { runs in
                    if isNew {
                        let code = csockets_begin(
                            self.sender,
                            self.address.isV4 ? 0 : 1,
                            batch.allBytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
                            texts.baseAddress,
                            texts.count,
                            recipients.baseAddress,
                            recipients.count,
                            runs.baseAddress,
                            runs.count
                        )
                        self.tries = 0
                        guard code == 0 else {
                            self.failures[-code, default: 0] += batch.count
                            return .done
                        }
                    }
                    return self.sendOn(batch)
                }
            }
        }
    }

    private func sendOn(_ batch: DatagramBatch) -> Sending {
        while true {
            var (run, text) = (0, UInt32(0))
            csockets_position(self.sender, &run, &text)
            let count = csockets_send(self.sender, self.descriptor)
            if count == 0 { return .done }
            if count > 0 {
                self.tries = 0
                self.sent += Int(count)
                self.onSent?(batch, run, Int(text), Int(count))
                continue
            }
            let code = -count
            if code == EAGAIN { return .blocked }
            self.tries += 1
            guard self.tries >= Self.tries(after: code) else {
                if code == ENOBUFS || code == ENOMEM { return .exhausted }
                continue
            }
            self.tries = 0
            self.failures[code, default: 0] += 1
            csockets_skip(self.sender)
        }
    }
}
