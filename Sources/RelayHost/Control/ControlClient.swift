// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
internal import Glibc
#endif

/// Talks to a running relay by its control socket.
public enum ControlClient {
    /// Has the relay reload its scripts.
    ///
    /// - Parameter path: The socket's path.
    /// - Returns: What was done, or what is wrong with the scripts.
    /// - Throws: ``RelayError`` if the relay does not answer.
    public static func reload(_ path: String) async throws -> ControlAnswer { try await self.ask(.reload, path) }

    /// Asks the relay how it is.
    ///
    /// - Parameter path: The socket's path.
    /// - Returns: The answer.
    /// - Throws: ``RelayError`` if the relay does not answer.
    public static func status(_ path: String) async throws -> RelayStatus {
        let answer = try await self.ask(.status, path)
        guard let status = answer.status else { throw RelayError(answer.problems.joined(separator: "; ")) }
        return status
    }

    private static func ask(_ command: ControlRequest.Command, _ path: String) async throws -> ControlAnswer {
        guard path.utf8.count <= ControlSocket.longestPath else {
            throw RelayError("the path '\(path)' is longer than a socket's can be")
        }
        let request = try JSONEncoder().encode(ControlRequest(command: command)) + [UInt8(ascii: "\n")]
        let group = MultiThreadedEventLoopGroup.singleton
        let reply = group.next().makePromise(of: Data.self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: reply.futureResult.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AnswerCollector(reply))
                    }
                }
                .connect(unixDomainSocketPath: path)
                .get()
        } catch {
            reply.fail(error)
            throw RelayError("cannot talk to a relay at '\(path)': \(self.reason(error)); is it running?")
        }
        do {
            let peer = try await Self.peer(of: channel)
            guard peer.isTrusted else {
                throw RelayError(
                    "'\(path)' is the socket of another user (uid \(peer.user)), whose answers are not trusted; "
                        + "name your relay's with --control"
                )
            }
        } catch {
            reply.fail(error)
            try? await channel.close()
            throw error
        }
        let deadline = channel.eventLoop.scheduleTask(in: self.patience) { reply.fail(Silence()) }
        defer { deadline.cancel() }
        do {
            try await channel.writeAndFlush(ByteBuffer(bytes: request))
            return try JSONDecoder().decode(ControlAnswer.self, from: try await reply.futureResult.get())
        } catch {
            throw RelayError(
                "the relay at '\(path)' did not answer: \(self.reason(error)); is it another user's, or of another version?"
            )
        }
    }

    /// Who listens.
    private static func peer(of channel: any Channel) async throws -> PeerCredentials {
        guard let options = channel as? any SocketOptionProvider else { throw RelayError("no socket") }
        return try await options.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED)).get()
    }

    /// The longest answer.
    static let longestAnswer = 16 << 20

    /// How long an answer may take: a reload may load the scripts twice, behind others that do.
    private static let patience = TimeAmount.seconds(30)

    private struct Silence: Error {}

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case is DecodingError: "what came is not an answer"
        case is AnswerCollector.TooLong: "its answer is longer than \(self.longestAnswer) bytes"
        case is Silence: "nothing came in \(self.patience.nanoseconds / 1_000_000_000) seconds"
        default: "\(error)"
        }
    }
}

/// Collects what comes until the other side ends the connection.
private final class AnswerCollector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    struct TooLong: Error {}

    private let reply: EventLoopPromise<Data>
    private var bytes = Data()

    init(_ reply: EventLoopPromise<Data>) { self.reply = reply }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = self.unwrapInboundIn(data).readableBytesView
        guard self.bytes.count + part.count <= ControlClient.longestAnswer else {
            self.reply.fail(TooLong())
            return context.close(promise: nil)
        }
        self.bytes.append(contentsOf: part)
    }

    func channelInactive(context: ChannelHandlerContext) { self.reply.succeed(self.bytes) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { self.reply.fail(error) }
}
