// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

/// The mails of each incident, so that one names those it follows.
struct MailThreads: Codable {
    /// The first and the last mail of an incident.
    private struct Thread: Codable {
        var incident: String
        var first: String
        var last: String
    }

    /// The one that got a mail last stands last.
    private var threads: [Thread] = []
    private static let most = 200

    /// Takes note of a mail; returns those that it follows.
    mutating func follow(_ incident: String, with messageID: String) -> [String] {
        guard let index = self.threads.firstIndex(where: { $0.incident == incident }) else {
            self.threads.append(Thread(incident: incident, first: messageID, last: messageID))
            if self.threads.count > Self.most { self.threads.removeFirst() }
            return []
        }
        var thread = self.threads.remove(at: index)
        let follows = thread.first == thread.last ? [thread.first] : [thread.first, thread.last]
        thread.last = messageID
        self.threads.append(thread)
        return follows
    }

    init() {}

    /// Reads what an earlier run wrote; what cannot be a Message-ID is left out.
    init(reading bytes: [UInt8]) {
        guard let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return }
        self.threads = read.threads.suffix(Self.most)
            .filter { thread in
                [thread.first, thread.last]
                    .allSatisfy { id in
                        id.hasPrefix("<") && id.hasSuffix(">") && id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
                    }
            }
    }

    func encoded() -> [UInt8] { (try? JSONEncoder().encode(self)).map { Array($0) } ?? [] }
}
