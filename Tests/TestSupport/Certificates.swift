// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

/// Certificates made on the spot: an authority, and what it says of servers.
package struct Certificates: Sendable {
    package let folder: String
    package var authority: String { "\(self.folder)/authority.pem" }
    package var otherAuthority: String { "\(self.folder)/stranger.pem" }
    package func certificate(_ name: String) -> String { "\(self.folder)/\(name).pem" }
    package var key: String { "\(self.folder)/server.key" }

    /// Made once for all tests; nil where there is no openssl.
    ///
    /// The folder stays until the machine's next cleaning.
    package static let shared = try? Certificates()

    private init() throws {
        self.folder = NSTemporaryDirectory() + "luar-test-certificates-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        let script = """
            set -e
            key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
            key authority; key stranger; key server
            for name in authority stranger; do
                openssl req -x509 -new -key $name.key -out $name.pem -days 2 -subj "/CN=$name"
            done
            sign() {
                openssl req -new -key server.key -out server.csr -subj "/CN=$3"
                echo "subjectAltName=$4" > names
                openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial \\
                    -out "$1.pem" -days "$2" -extfile names
            }
            sign good 2 localhost DNS:localhost,IP:127.0.0.1
            sign other 2 other.example DNS:other.example
            sign expired -1 localhost DNS:localhost,IP:127.0.0.1
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script]
        process.currentDirectoryURL = URL(fileURLWithPath: self.folder)
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw NeverHappened(description: "openssl makes certificates") }
    }
}
