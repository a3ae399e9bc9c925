// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Testing

@testable import HostSettings

@Suite struct EndpointTests {
    @Test(arguments: [
        ("12345", "it has no host"), ("localhost", "it has no port"), ("::1:12345", "goes in brackets"),
        (":12345", "it has no host"),
        ("localhost:", "'' is no port"), ("localhost:66000", "'66000' is no port"), ("localhost:1a", "'1a' is no port"),
        ("localhost:+1", "'+1' is no port"), ("", "it has no host"), ("[::1", "the brackets do not match"),
        ("[::1]x:5", "the brackets do not match"), ("a b:5", "no spaces"), ("[]:5", "it has no host"),
    ])
    func `a bad address says what is wrong and how to write it`(text: String, reason: String) {
        #expect {
            try Endpoint(text)
        } throws: { error in
            "\(error)".contains(reason) && "\(error)".contains("HOST:PORT")
        }
    }

    @Test(arguments: ["127.0.0.1:12345", "[::1]:12345", "localhost:0", "[::]:80"])
    func `an address reads back as it was written`(text: String) throws {
        let endpoint = try Endpoint(text)
        #expect(endpoint.description == text)
    }

    @Test func `where a port is usual it may be left out`() throws {
        let name = try Endpoint("example.org", defaultPort: 12_345)
        #expect(name == Endpoint(host: "example.org", port: 12_345))
        let v6 = try Endpoint("[::1]", defaultPort: 12_345)
        #expect(v6 == Endpoint(host: "::1", port: 12_345))
    }
}
