// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import RelayCore

/// Answers about clients that hooks give later than they are asked, until they are given or time is over.
///
/// A value without I/O. Each client has one at the most, so the limit of clients bounds them.
struct PendingAnswers {
    /// The time for an answer where a hook says nothing else, and the longest, in seconds.
    static let usualTime = 10.0
    static let longestTime = 60.0

    struct Entry {
        let client: Client
        /// What the hooks were asked about, with the client.
        let text: [UInt8]?
        /// The hook that made it.
        let maker: Maker
        /// When it is too late, as uptime.
        let deadline: Double
        /// Whether the hook has answered with it: until then it may still be asked otherwise.
        var isReturned = false
        /// The answer, where that was given before the hook returned.
        var answer: Answer?
    }

    /// What a hook may answer, sooner or later.
    enum Answer {
        /// It has no opinion: the hooks after it are asked.
        case noOpinion
        case refuse([UInt8]?)
        case prompt([UInt8])
    }

    /// Who made one, and where.
    struct Maker {
        let record: CallRecord
        let script: String
        let line: Int
    }

    /// From where on the hooks are asked about a client that they were asked about before.
    enum Resumption {
        /// All of them: those that were asked are replaced.
        case start
        /// Those after this one, which had no opinion.
        case after(CallRecord)
    }

    private var entries: [Int64: Entry] = [:]
    /// Who made one in the present call of the hooks that another hook's has replaced.
    private var replaced: [Maker] = []
    /// By client, from when that is decided until they are asked.
    private var resumptions: [Int64: Resumption] = [:]
    /// The number of each client's entry.
    private var numbers: [Int64: Int64] = [:]
    private var lastNumber: Int64 = 0
    /// No deadline is earlier than this.
    ///
    /// Kept, because it is asked for in every tick and there may be thousands of entries.
    private var earliest = Double.infinity

    var count: Int { self.entries.count }
    /// When to call ``removeOverdue(at:)``, as uptime; nil while there are no entries.
    var nextDeadline: Double? { self.entries.isEmpty ? nil : self.earliest }

    /// Makes one for a client, in the place of an earlier one.
    mutating func add(_ client: Client, _ text: [UInt8]?, by maker: Maker, until deadline: Double) -> Int64 {
        if let number = self.numbers[client.id], let earlier = self.entries[number]?.maker,
            earlier.record !== maker.record
        {
            self.replaced.append(earlier)
        }
        self.remove(client: client.id)
        self.lastNumber += 1
        self.entries[self.lastNumber] = Entry(client: client, text: text, maker: maker, deadline: deadline)
        self.earliest = min(self.earliest, deadline)
        self.numbers[client.id] = self.lastNumber
        return self.lastNumber
    }

    /// What a hook has answered by answering with one.
    enum Returned {
        /// Nothing yet.
        case later
        /// This: it was given before the hook returned.
        case answer(Answer, Maker)
        /// It is not the client's, or is not there any more.
        case invalid
    }

    /// Notes that the hooks of a client have answered with one.
    mutating func noteReturned(_ number: Int64, for client: Client) -> Returned {
        guard let entry = self.entries[number], entry.client === client else { return .invalid }
        guard let answer = entry.answer else {
            self.entries[number]?.isReturned = true
            return .later
        }
        self.remove(client: client.id)
        return .answer(answer, entry.maker)
    }

    /// What becomes of an answer.
    enum Given {
        /// It comes too late, or is the second one.
        case tooLate
        /// The hook has not returned yet: it is what that will have answered.
        case kept
        /// It decides about this client.
        case decides(Client, LateAdmission)
    }

    /// Notes an answer.
    mutating func give(_ answer: Answer, to number: Int64) -> Given {
        guard let entry = self.entries[number], entry.answer == nil, entry.client.isOpen else { return .tooLate }
        guard entry.isReturned else {
            self.entries[number]?.answer = answer
            return .kept
        }
        self.remove(client: entry.client.id)
        switch answer {
        case .noOpinion:
            self.resumptions[entry.client.id] = .after(entry.maker.record)
            return .decides(entry.client, .ask(entry.text))
        case .refuse(let words): return .decides(entry.client, .refuse(words))
        case .prompt(let question): return .decides(entry.client, .prompt(question))
        }
    }

    /// Where to begin when the hooks are asked about a client; nil if that is the first time.
    mutating func takeResumption(of client: Int64) -> Resumption? { self.resumptions.removeValue(forKey: client) }

    /// Removes what was made for a client, but not answered with.
    ///
    /// - Parameters:
    ///   - client: The client's number.
    ///   - answerer: The hook that has answered: it may have thought otherwise.
    /// - Returns: Who forgot to answer with it, in the order of the hooks.
    mutating func removeForgotten(of client: Int64, by answerer: CallRecord?) -> [Maker] {
        var forgetful = self.replaced
        self.replaced = []
        if let number = self.numbers[client], let entry = self.entries[number], !entry.isReturned {
            self.remove(client: client)
            forgetful.append(entry.maker)
        }
        return forgetful.filter { $0.record !== answerer }
    }

    /// Removes a client's.
    mutating func remove(client: Int64) {
        self.resumptions[client] = nil
        if let number = self.numbers.removeValue(forKey: client) { self.entries[number] = nil }
    }

    /// Removes those that are too late, and returns their clients, by number.
    mutating func removeOverdue(at time: Double) -> [Client] {
        guard time >= self.earliest else { return [] }
        let overdue = self.entries.values.filter { $0.deadline <= time }.map(\.client).sorted { $0.id < $1.id }
        for client in overdue { self.remove(client: client.id) }
        self.earliest = self.entries.values.lazy.map(\.deadline).min() ?? .infinity
        return overdue
    }

    /// Removes all, as the hooks are replaced, and returns those that are waited for in the order in which they were made.
    mutating func replaceAll() -> [Entry] {
        let waiting = self.entries.sorted { $0.key < $1.key }.map(\.value).filter(\.isReturned)
        (self.entries, self.numbers) = ([:], [:])
        for client in self.resumptions.keys { self.resumptions[client] = .start }
        for entry in waiting { self.resumptions[entry.client.id] = .start }
        return waiting
    }
}
