// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import RelayCore
import Testing

/// The table of transports.
@Suite struct TransportKindTests {
    @Test func `each transport has its place in the table as its number, and a name of its own`() {
        #expect(TransportKind.allCases.map(\.rawValue) == Array(TransportKind.allCases.indices))
        #expect(Set(TransportKind.allCases.map(\.name)).count == TransportKind.allCases.count)
        for kind in TransportKind.allCases { #expect(TransportKind(named: kind.name) == kind) }
        for name in ["", "TCP", "tcp ", "sctp"] { #expect(TransportKind(named: name) == nil) }
    }

    @Test func `a client begins in the default room of its transport, which all streams share`() throws {
        for kind in TransportKind.allCases {
            let client = try #require(Stage().tryJoin("ana", transport: kind)).client
            #expect(client.room.string == kind.defaultRoom)
            #expect((kind.defaultRoom == "tcp") == (kind.socketType == .stream))
            #expect(client.origin.isSecure == kind.isSecure)
        }
    }

    @Test func `the names are listed as a sentence has them`() {
        #expect(TransportKind.list() == "tcp or udp")
        #expect(TransportKind.list { "<\($0)>" } == "<tcp> or <udp>")
    }
}
