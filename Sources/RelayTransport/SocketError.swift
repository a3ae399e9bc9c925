// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// Why a socket could not be opened.
public struct SocketError: Error {
    /// The system's error number.
    public let code: CInt
}
