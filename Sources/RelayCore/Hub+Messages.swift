// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

extension Hub {
    /// Takes what a client has sent, item by item.
    ///
    /// Stops early when the client is closed, when it has to wait for its admission, and when the tick is full. What is left
    /// stays in the batch.
    ///
    /// - Parameters:
    ///   - batch: What one read was cut into.
    ///   - client: Who sent it.
    ///   - mayGoOn: Asked after each item whether to take the next one.
    public func receive(_ batch: TextBatch, from client: Client, while mayGoOn: () -> Bool) {
        repeat {
            // Also where the text just taken made it wait: the next one is for after that.
            guard client.isOpen, !client.awaitsLateAnswer, let item = batch.next() else { return }
            switch item {
            case .text(let range): self.receive(UnsafeRawBufferPointer(rebasing: batch.bytes[range]), from: client)
            case .tooLong: self.refuseTooLong(from: client)
            case .encodingChanged(let encoding): self.setWire(encoding, of: client)
            }
        } while !self.isTickFull && mayGoOn()
    }

    /// Takes a text from a client and has the policy decide it.
    ///
    /// Of a client that is not let in yet it is the answer to the policy's question.
    ///
    /// - Parameters:
    ///   - text: The text, borrowed.
    ///   - client: Who sent it.
    ///   - mayBePing: False if ``ping(_:from:)`` was asked about it.
    /// - Returns: Whether it was a ping, and was answered.
    @discardableResult
    public func receive(_ text: UnsafeRawBufferPointer, from client: Client, mayBePing: Bool = true) -> Bool {
        guard client.isOpen else { return false }
        var mayBePing = mayBePing
        // For a client that joined with this text, `join` has counted it.
        if mayBePing, client.amplificationAllowance != nil {
            self.raiseAmplificationAllowance(of: client, by: text.count)
        }
        if client.isPendingAdmission {
            let hasWaited = client.awaitsLateAnswer
            if mayBePing, let answer = self.runPolicy({ self.policy?.ping(text, from: client.origin) }) {
                self.counters.pings += 1
                _ = self.send(answer, to: client)
                return true
            }
            mayBePing = false
            // The policy may have let it in or closed it meanwhile.
            guard client.isOpen else { return false }
            if client.isPendingAdmission {
                // What came while it waited answers no question that is asked only now.
                if !hasWaited { self.admit(client, text) }
                return false
            }
        }
        self.lastMessageID += 1
        let time = self.tickTime ?? self.clock()
        self.tickTime = time
        let message = Message(id: self.lastMessageID, sender: client, time: time, text: text, mayBePing: mayBePing)
        return self.runPolicy { self.policy?.relay(message) ?? false }
    }

    /// Counts a client's text, once the policy knows what it is and before it acts on it.
    public func note(from sender: Client, isPing: Bool) {
        if isPing {
            self.counters.pings += 1
        } else {
            self.counters.messages += 1
            if sender.amplificationAllowance != nil { self.noteSpoken(sender) }
        }
    }

    /// Counts a message over the limit and says what the policy has to say about it.
    public func refuseTooLong(from client: Client) {
        guard client.isOpen else { return }
        self.counters.tooLong += 1
        self.sendSystemMessage(.tooLong, to: client)
    }

    /// Sends a client a system message once the policy has returned from what it is asked now.
    public func queueSystemMessage(_ kind: SystemMessageKind, to client: Client) {
        self.systemMessages.append((client, kind))
    }

    /// Sends a client a system message; false if the policy has no words for it.
    @discardableResult
    public func sendSystemMessage(_ kind: SystemMessageKind, to client: Client) -> Bool {
        guard client.isOpen else { return false }
        return self.runPolicy {
            guard let text = self.policy?.systemMessage(kind, for: client) else { return false }
            return self.send(text, to: client)
        }
    }
}
