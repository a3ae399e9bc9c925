// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import OwnedFiles

#if canImport(Glibc)
internal import Glibc
#endif

/// The lock on a control socket's path: flock(2) on a file beside the socket.
///
/// Who holds it may remove and make the socket. A relay holds it as long as it listens, so that no other takes its socket for
/// one that was left behind, and so that it removes no socket but its own. The system releases it when a process ends.
struct ControlLock: Sendable {
    /// Why the path is not locked.
    struct Failure: Error {
        /// `EWOULDBLOCK` where another process holds the lock.
        var code: CInt
        var reason: String
    }

    private let descriptor: CInt
    private let path: String

    /// Locks the path of a socket; does not wait.
    init(_ socket: String) throws(Failure) {
        self.path = "\(socket).lock"
        while true {
            let file: CInt
            do {
                file = try OwnedFile.open(self.path, O_RDWR | O_CREAT, privacy: .owner)
            } catch {
                throw Failure(code: error.code, reason: error.reason)
            }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                let code = errno
                close(file)
                throw Failure(code: code, reason: String(cString: strerror(code)))
            }
            // Who held it before may have removed the file: then the name stands for another one.
            var (own, named) = (stat(), stat())
            if fstat(file, &own) == 0, lstat(self.path, &named) == 0, own.st_ino == named.st_ino,
                own.st_dev == named.st_dev
            {
                self.descriptor = file
                return
            }
            close(file)
        }
    }

    /// Removes the file, and gives the lock up.
    func release() {
        unlink(self.path)
        close(self.descriptor)
    }
}
