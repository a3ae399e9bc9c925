// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule

extension Hub {
    /// What a client of a datagram transport that has spoken only once gets from scripts, as a multiple of what came in
    /// its name (RFC 9000, section 8.1).
    public static let amplification = 3

    // MARK: Coming in

    /// Makes a client, and asks the policy whether it may come in; if so, asks for its name and announces it.
    ///
    /// - Parameters:
    ///   - origin: Where it comes from.
    ///   - wire: How texts to it are wrapped.
    ///   - address: Where its bytes go; nil discards them.
    ///   - text: The text that it came with, where a text is how one comes: its address may be forged, so it has an
    ///     allowance until it has spoken twice.
    /// - Returns: The client, which may be closed already, or nil if the clients limit is reached; then
    ///   ``refuse(_:wire:saying:)`` has the words for it. Also nil once ``stopAdmitting()`` was called.
    public func join(
        _ origin: ClientOrigin,
        wire: WireEncoding,
        to address: OutboundAddress?,
        saying text: UnsafeRawBufferPointer? = nil
    ) -> Client? {
        guard self.isAdmitting, self.evictUnvalidatedClient() else { return nil }
        let client = self.makeClient(origin, wire)
        client.outbound = address
        self.pendingAdmission[client.id] = client
        if let text {
            client.amplificationAllowance = text.count
            self.unvalidatedCount += 1
            self.unvalidated.append(client)
        }
        self.admit(client, text)
        if client.awaitsLateAnswer { client.firstText = text.map { Array($0) } }
        return client
    }

    /// Lets no further client in: neither newcomers nor those who are still to answer the policy's question.
    ///
    /// The policy is not asked about them any more.
    public func stopAdmitting() { self.isAdmitting = false }

    /// Counts a client that does not come in.
    ///
    /// - Parameters:
    ///   - origin: Where it comes from.
    ///   - wire: How texts to it would be wrapped.
    ///   - text: What it sent, if a datagram is all that is known of it: the answer is not longer.
    /// - Returns: What to say to it, not wrapped yet; borrowed until the next system message;
    ///   nothing once ``stopAdmitting()`` was called.
    public func refuse(
        _ origin: ClientOrigin,
        wire: WireEncoding,
        saying text: UnsafeRawBufferPointer? = nil
    ) -> UnsafeRawBufferPointer? {
        guard self.isAdmitting else { return nil }
        self.counters.refused += 1
        let client = self.makeClient(origin, wire)
        client.isOpen = false
        let words = self.runPolicy { self.policy?.systemMessage(.full, for: client) }
        return words.map { self.cut($0, to: text?.count) }
    }

    /// Answers a text from somebody who is no client if it is a ping.
    ///
    /// - Returns: The answer, never longer than the text; nil if it was no ping. Borrowed until the next question.
    public func ping(_ text: UnsafeRawBufferPointer, from origin: ClientOrigin) -> UnsafeRawBufferPointer? {
        guard let answer = self.runPolicy({ self.policy?.ping(text, from: origin) }) else { return nil }
        self.counters.pings += 1
        return self.cut(answer, to: text.count)
    }

    /// Removes a client whose address turned out to reach nobody.
    public func unreachable(_ client: Client) {
        guard client.isOpen else { return }
        if !client.isPendingAdmission { self.runPolicy { self.policy?.unreachable(client) } }
        self.close(client, reason: "unreachable")
    }

    /// Makes place for one more client; false if nobody can make way for it.
    ///
    /// A flood of datagrams in many names must not keep people out, so whoever has spoken only once makes way, the oldest
    /// first; nobody else does.
    private func evictUnvalidatedClient() -> Bool {
        guard self.clients.count + self.pendingAdmission.count >= self.limits.clients else { return true }
        while let oldest = self.unvalidated.popFirst() {
            guard oldest.isOpen, oldest.amplificationAllowance != nil else { continue }
            self.counters.replaced += 1
            self.close(oldest, reason: "replaced")
            return true
        }
        return false
    }

    // MARK: Allowances

    /// Notes a text that came in the name of a client with an allowance, whatever becomes of it.
    func raiseAmplificationAllowance(of client: Client, by count: Int) {
        guard let allowance = client.amplificationAllowance else { return }
        client.amplificationAllowance = client.isPendingAdmission ? count : allowance + Self.amplification * count
    }

    /// Notes that a client with an allowance has spoken; the second time ends that.
    ///
    /// It proves nothing, as two datagrams are forged as easily as one, but whoever is there should not have to wait.
    func noteSpoken(_ client: Client) {
        client.spoken += 1
        guard client.spoken >= 2, client.isOpen else { return }
        client.amplificationAllowance = nil
        self.unvalidatedClientGone()
    }

    /// Notes that one client with an allowance less is here; drops those who left or have none any more from the queue
    /// before they outnumber the others.
    func unvalidatedClientGone() {
        self.unvalidatedCount -= 1
        guard self.unvalidated.count > 2 * self.unvalidatedCount + 64 else { return }
        self.unvalidated.removeAll { !$0.isOpen || $0.amplificationAllowance == nil }
    }

    /// Takes a script's text out of a client's allowance; nil if it may not be sent.
    ///
    /// Before a client is let in its texts are cut to the allowance, as answers to strangers are; later ones are sent whole
    /// or not at all.
    func spend(_ text: UnsafeRawBufferPointer, on client: Client) -> UnsafeRawBufferPointer? {
        guard let allowance = client.amplificationAllowance else { return text }
        let part = client.isPendingAdmission ? self.cut(text, to: allowance) : text
        guard part.count <= allowance, !part.isEmpty || text.isEmpty else {
            self.counters.withheld += 1
            return nil
        }
        client.amplificationAllowance = allowance - part.count
        return part
    }

    /// The beginning of a text, up to so many bytes, but no half of a UTF-8 character.
    private func cut(_ text: UnsafeRawBufferPointer, to limit: Int?) -> UnsafeRawBufferPointer {
        guard let limit, text.count > limit else { return text }
        self.counters.answersCut += 1
        var end = limit
        while end > 0, limit - end < 3, text[end] & 0xC0 == 0x80 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: text[..<end])
    }
}
