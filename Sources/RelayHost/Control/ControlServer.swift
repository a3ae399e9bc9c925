// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import HostSettings
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import RelayHooks

#if canImport(Glibc)
internal import Glibc
#endif

/// Listens on a control socket for the commands of whoever runs the relay, and of nobody else.
final class ControlServer: Sendable {
    private let path: String
    private let channel: any Channel
    private let lock: ControlLock
    /// Which file the socket is.
    private let file: SocketFile?

    private struct SocketFile: Equatable {
        var device: UInt64
        var number: UInt64

        init?(_ path: String) {
            var information = stat()
            guard lstat(path, &information) == 0 else { return nil }
            (self.device, self.number) = (UInt64(information.st_dev), UInt64(information.st_ino))
        }
    }

    private init(_ path: String, _ channel: any Channel, _ lock: ControlLock) {
        self.path = path
        self.file = SocketFile(path)
        self.channel = channel
        self.lock = lock
    }

    /// Begins to listen.
    ///
    /// - Parameters:
    ///   - path: Where.
    ///   - eventLoop: The loop that the connections live on.
    ///   - answer: Does what is asked.
    /// - Returns: The server.
    /// - Throws: ``RelayError`` if the socket cannot be had.
    static func open(
        _ path: String,
        on eventLoop: any EventLoop,
        answer: @escaping @Sendable (ControlRequest) async -> ControlAnswer
    ) async throws -> ControlServer {
        let lock = try ControlSocket.clear(path)
        do {
            let channel = try await ServerBootstrap(group: eventLoop)
                .childChannelInitializer { channel in
                    Self.peer(of: channel)
                        .flatMapThrowing { peer in
                            // The user that the relay runs as, or root.
                            guard peer.user == getuid() || peer.user == 0 else { throw RelayError("not the owner") }
                            try channel.pipeline.syncOperations.addHandler(ControlHandler(answer))
                        }
                }
                // SwiftNIO would remove what has the path when it closes a socket that it bound itself.
                .withBoundSocket(try Self.bind(path))
                .get()
            return ControlServer(path, channel, lock)
        } catch {
            lock.release()
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
            throw RelayError(
                "cannot listen on the control socket '\(path)': \(reason); choose another path with --control, or do without "
                    + "with --no-control"
            )
        }
    }

    /// Makes a socket at a path, on which nobody listens.
    private static func bind(_ path: String) throws(RelayError) -> CInt {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw RelayError(String(cString: strerror(errno))) }
        let code = ControlSocket.withAddress(path) { Glibc.bind(descriptor, $0, $1) }
        // The system lets only those in who may write to it, and none before this; who is in is asked for once more.
        guard code == 0, chmod(path, 0o600) == 0 else {
            let reason = String(cString: strerror(errno))
            Glibc.close(descriptor)
            throw RelayError(reason)
        }
        return descriptor
    }

    /// Ends listening, and removes the socket.
    func close() async {
        // Under the lock nobody else replaces it, unless somebody has removed both by hand.
        if let file = self.file, file == SocketFile(self.path) { unlink(self.path) }
        try? await self.channel.close()
        self.lock.release()
    }

    /// Who connected.
    private static func peer(of channel: any Channel) -> EventLoopFuture<PeerCredentials> {
        guard let options = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(RelayError("no socket"))
        }
        return options.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED))
    }
}

/// Reads one request, and answers it.
///
/// Confined to its loop.
private final class ControlHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let longestRequest = 4_096
    /// How long a connection may say nothing.
    private static let patience = TimeAmount.seconds(10)

    private let answer: @Sendable (ControlRequest) async -> ControlAnswer
    private var request = ByteBuffer()
    private var isAnswered = false
    private var timer: Scheduled<Void>?

    init(_ answer: @escaping @Sendable (ControlRequest) async -> ControlAnswer) { self.answer = answer }

    func channelActive(context: ChannelHandlerContext) {
        let box = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.timer = context.eventLoop.scheduleTask(in: Self.patience) { box.value.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) { self.timer?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isAnswered else { return }
        var bytes = self.unwrapInboundIn(data)
        self.request.writeBuffer(&bytes)
        let view = self.request.readableBytesView
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
            if view.count > Self.longestRequest { context.close(promise: nil) }
            return
        }
        self.isAnswered = true
        self.timer?.cancel()
        let channel = context.channel
        guard let request = try? JSONDecoder().decode(ControlRequest.self, from: Data(view[..<end])) else {
            let commands = "reload or status"
            return Self.send(ControlAnswer(problems: ["no command that this relay knows: \(commands)"]), on: channel)
        }
        channel.eventLoop.makeFutureWithTask { [answer = self.answer] in await answer(request) }
            .whenSuccess { Self.send($0, on: channel) }
    }

    private static func send(_ answer: ControlAnswer, on channel: any Channel) {
        let bytes = (try? JSONEncoder().encode(answer)) ?? Data()
        var buffer = channel.allocator.buffer(capacity: bytes.count + 1)
        buffer.writeBytes(bytes)
        buffer.writeInteger(UInt8(ascii: "\n"))
        channel.writeAndFlush(buffer).whenComplete { _ in channel.close(promise: nil) }
    }
}
