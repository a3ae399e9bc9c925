// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// One text that a client sent.
public struct Message {
    /// Its number: one more than the last.
    public var id: Int64
    /// Who sent it.
    public var sender: Client
    /// When it was taken up, in Unix seconds.
    public var time: Double
    /// Its bytes, without framing.
    ///
    /// Borrowed: valid until the policy returns.
    public var text: UnsafeRawBufferPointer
    /// Whether it may still turn out to be a ping: false if that was asked before.
    public var mayBePing: Bool
}

/// Who gets a text.
public enum Route {
    /// The sender's room without the sender.
    case others
    /// All clients, the sender included.
    case everyone
    /// The room of this name, without the sender.
    case room(String)
    /// These clients and nobody else, each once.
    case only([Int64])
}

/// What the relay itself has to say to a client.
public enum SystemMessageKind: String, Sendable, CaseIterable {
    /// A message was over the limit and was not relayed.
    case tooLong = "too_long"
    /// The relay has as many clients as it may have; this one is refused.
    case full
    /// The client reads too slowly and misses messages.
    case slow
    /// The relay stops.
    case shutdown
    /// A client of a datagram transport has been silent for too long, and is removed.
    case idle
    /// Hooks that were to decide about its text failed, and the text went to nobody.
    case withheld
    /// A command of its failed, and did nothing or not all.
    case failed
    /// The client may not come in, and the scripts gave no words for that.
    case refused
}

/// The rules that a hub asks: scripts, in the running relay.
///
/// The hub calls them on its loop and never from within one of their own calls to the hub.
public protocol RelayPolicy: AnyObject {
    /// Whether a client may come in, given its last text; nil where there is only a connection.
    func admit(_ client: Client, _ text: UnsafeRawBufferPointer?) -> Admission
    /// Answers a text from somebody who is no client if it is a ping; nil if it is none. The bytes are borrowed until the
    /// next question.
    func ping(_ text: UnsafeRawBufferPointer, from origin: ClientOrigin) -> UnsafeRawBufferPointer?
    /// A client's address turned out to reach nobody; it is about to be removed.
    func unreachable(_ client: Client)
    /// What a new client is called; nil for its address.
    func name(of client: Client) -> String?
    /// A client joined.
    func connected(_ client: Client)
    /// A client that was not let in has gone.
    func admissionRejected(_ client: Client)
    /// A client left; it gets nothing any more.
    func disconnected(_ client: Client, reason: String)
    /// Decides a text: says what it is by ``Hub/note(from:isPing:)``, and calls ``Hub/deliver(_:to:from:)`` for what is to
    /// be relayed; returns whether it was a ping.
    func relay(_ message: Message) -> Bool
    /// The words of a system message for a client; nil for none. The bytes are borrowed until the next one.
    func systemMessage(_ kind: SystemMessageKind, for client: Client) -> UnsafeRawBufferPointer?
}

/// What has happened so far, in numbers.
public struct Counters: Sendable, Equatable, Codable {
    /// Clients that joined.
    public var connected = 0
    /// Clients refused at the clients limit.
    public var refused = 0
    /// Messages received, pings not among them.
    public var messages = 0
    /// Texts delivered, counted per recipient.
    public var deliveries = 0
    /// Messages over the limit.
    public var tooLong = 0
    /// Texts, counted per recipient, that were too long for a datagram and were not sent.
    public var tooLongToSend = 0
    /// Pings, whoever sent them.
    public var pings = 0
    /// Answers cut off to the length of what they answer, because who sent that is not known.
    public var answersCut = 0
    /// Texts of scripts, counted per recipient, that passed a new client's allowance and were not sent.
    public var withheld = 0
    /// Clients replaced by newer ones at the clients limit.
    public var replaced = 0
    /// Clients disconnected because they read too slowly.
    public var slowDisconnected = 0
    /// Ticks of output that slow clients missed.
    public var slowDropped = 0
}
