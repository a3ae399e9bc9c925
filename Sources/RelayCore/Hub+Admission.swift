// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule

/// Whether a client may come in.
public enum Admission {
    /// It may.
    case letIn
    /// It may not; with words for it, if there are any. Borrowed until the next question.
    case refuse(UnsafeRawBufferPointer?)
    /// It is asked something, and its next text is the answer. Borrowed until the next question.
    case prompt(UnsafeRawBufferPointer)
    /// That is not known yet: ``Hub/decide(_:_:)`` says it later. Until then its texts wait, or are lost as datagrams are.
    case later
}

/// The same, said later.
public enum LateAdmission: Sendable, Equatable {
    /// The policy is to be asked again, about this text.
    case ask([UInt8]?)
    /// It may not; with words for it, if there are any.
    case refuse([UInt8]?)
    /// It is asked something, and its next text is the answer.
    case prompt([UInt8])
}

extension Hub {
    /// Asks the policy whether a client may come in.
    func admit(_ client: Client, _ text: UnsafeRawBufferPointer?) {
        guard self.isAdmitting else { return }
        self.runPolicy {
            let admission = self.policy?.admit(client, text) ?? .letIn
            // The policy may have closed it.
            guard client.isOpen else { return }
            switch admission {
            case .letIn: self.letIn(client, knownBy: text?.count ?? 0)
            case .prompt(let question): _ = self.send(question, to: client)
            case .refuse(let words): self.turnAway(client, words)
            case .later:
                client.awaitsLateAnswer = true
            }
        }
    }

    /// Decides about a client about which ``Admission/later`` was said.
    ///
    /// It is carried out once the policy has returned from what it is asked now.
    ///
    /// - Returns: False if the client has left, or if the hub admits no more clients.
    @discardableResult
    public func decide(_ client: Client, _ admission: LateAdmission) -> Bool {
        guard client.isOpen, client.awaitsLateAnswer, self.isAdmitting else { return false }
        self.decisions.append((client, admission))
        self.runPolicy {}
        return true
    }

    func carryOut(_ admission: LateAdmission, for client: Client) {
        guard client.isOpen, client.awaitsLateAnswer, self.isAdmitting else { return }
        client.awaitsLateAnswer = false
        switch admission {
        case .ask(let text):
            if let text { text.withUnsafeBytes { self.admit(client, $0) } } else { self.admit(client, nil) }
            guard !client.awaitsLateAnswer else { return }
        case .prompt(let question): _ = question.withUnsafeBytes { self.send($0, to: client) }
        case .refuse(let words):
            if let words {
                words.withUnsafeBytes { self.turnAway(client, $0) }
            } else {
                self.turnAway(client, nil)
            }
        }
        self.goOn(client)
    }

    /// Has the texts of a client go on that waited.
    private func goOn(_ client: Client) {
        guard client.isOpen else { return }
        let firstText = client.firstText
        client.firstText = nil
        if let text = firstText, !client.isPendingAdmission {
            // Whether it was a ping was asked when it came.
            _ = text.withUnsafeBytes { self.receive($0, from: client, mayBePing: false) }
        }
        if client.isOpen, let address = client.outbound { self.sinks[address.sink].sink?.resume(address.slot) }
    }

    private func turnAway(_ client: Client, _ words: UnsafeRawBufferPointer?) {
        if let words = words ?? self.policy?.systemMessage(.refused, for: client) { _ = self.send(words, to: client) }
        self.counters.refused += 1
        self.close(client, reason: "refused")
    }

    private func letIn(_ client: Client, knownBy bytes: Int) {
        self.pendingAdmission[client.id] = nil
        client.isPendingAdmission = false
        if client.amplificationAllowance != nil { client.amplificationAllowance = Self.amplification * bytes }
        self.clients[client.id] = client
        // The limit on rooms is for scripts: the default room of a transport always exists.
        self.enter(client, self.room(client.room))
        if let name = self.policy?.name(of: client) { client.name = PinnedString(name) }
        guard client.isOpen else { return }
        self.counters.connected += 1
        client.isAnnounced = true
        self.policy?.connected(client)
    }
}
