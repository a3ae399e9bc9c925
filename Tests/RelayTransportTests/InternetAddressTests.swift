// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import RelayTransport

@Suite struct InternetAddressTests {
    private func address(_ host: String, _ port: Int = 9) throws -> InternetAddress {
        try #require(InternetAddress(host: host, port: port))
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("2001:db8::7", "2001:db8::7"), ("255.1.2.3", "255.1.2.3"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ])
    func `it reads as one writes it, and IPv4 is shown as such`(host: String, shown: String) throws {
        let address = try self.address(host, 65_535)
        #expect(address.host == shown)
        #expect(address.port == 65_535)
        #expect(InternetAddress(address.raw) == address)
        #expect(try address.with(port: 1) == self.address(host, 1))
    }

    @Test(arguments: [
        ("127.0.0.1", 0, "port_zero"), ("::1", 0, "port_zero"), ("0.0.0.0", 1, "unspecified"), ("::", 1, "unspecified"),
        ("255.255.255.255", 1, "broadcast"), ("224.0.0.1", 1, "multicast"), ("239.255.255.255", 1, "multicast"),
        ("ff02::1", 1, "multicast"), ("::ffff:224.0.0.1", 1, "multicast"), ("223.255.255.255", 1, nil),
        ("240.0.0.1", 1, nil), ("127.0.0.1", 1, nil), ("fe80::1", 1, nil), ("::ffff:10.0.0.1", 1, nil),
    ])
    func `what nothing may be sent to is told from ordinary addresses`(host: String, port: Int, problem: String?) throws
    {
        #expect(try self.address(host, port).problem == problem)
    }
}
