// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Dispatch
internal import HostSettings
internal import RelayCore
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Looks up the addresses of a host on a thread of its own, because that may take as long as it likes.
final class Resolution: Sendable {
    /// A socket address of any family.
    struct Address: Sendable {
        let family: CInt
        let bytes: [UInt8]

        func connect(_ socket: CInt) -> CInt {
            self.bytes.withUnsafeBytes { bytes in
                guard let address = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return -1 }
                return Glibc.connect(socket, address, socklen_t(bytes.count))
            }
        }
    }

    /// Why there are none.
    struct Problem: Error {
        let reason: String
    }

    private let answer = Mutex<Result<[Address], Problem>?>(nil)

    /// Begins; calls `whenDone` from its thread.
    init(of endpoint: Endpoint, _ type: TransportKind.SocketType, whenDone: @escaping @Sendable () -> Void) {
        DispatchQueue.global()
            .async {
                let result = Self.resolve(endpoint, type)
                self.answer.withLock { $0 = result }
                whenDone()
            }
    }

    /// Has the addresses already.
    init(found addresses: [Address]) { self.answer.withLock { $0 = .success(addresses) } }

    /// The addresses, or why there are none; nil while they are being looked up.
    var result: Result<[Address], Problem>? { self.answer.withLock { $0 } }

    private static func resolve(_ endpoint: Endpoint, _ type: TransportKind.SocketType) -> Result<[Address], Problem> {
        var hints = addrinfo()
        hints.ai_socktype = CInt(type == .stream ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(endpoint.host, "\(endpoint.port)", &hints, &found)
        defer { if let found { freeaddrinfo(found) } }
        guard code == 0 else {
            let isUnknown = code == EAI_NONAME || code == -5
            let words = isUnknown ? "there is no host '\(endpoint.host)'" : String(cString: gai_strerror(code))
            return .failure(Problem(reason: words))
        }
        var addresses: [Address] = []
        var entry = found
        while let info = entry?.pointee {
            if let address = info.ai_addr {
                let bytes = UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen))
                addresses.append(Address(family: info.ai_family, bytes: Array(bytes)))
            }
            entry = info.ai_next
        }
        guard !addresses.isEmpty else { return .failure(Problem(reason: "there is no host '\(endpoint.host)'")) }
        return .success(addresses)
    }
}
