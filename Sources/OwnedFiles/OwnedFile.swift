// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#if canImport(Glibc)
internal import Glibc
#endif

/// Opens files that belong to this process's user and that no other user can change.
///
/// A name in a shared folder may be a link or a file that somebody else made: writing to it would change a file that nobody
/// meant, or hand its contents to a stranger. All checks are made on the open file, so a name that changes meanwhile does not
/// matter.
public enum OwnedFile {
    /// Who else may read a file.
    public enum Privacy: Sendable {
        /// No other user. A file of ours that others may read is changed to mode 0600.
        case owner
        /// Whoever its mode lets, for logs that other programs collect.
        case asItIs
    }

    /// What a name may stand for.
    public enum Kind: Sendable {
        /// A regular file.
        case file
        /// A regular file, a named pipe that somebody reads, a device such as `/dev/null`, or `/dev/stdout`.
        case output
    }

    /// Opens a file, and makes it with mode 0600 where `flags` ask for that.
    ///
    /// Never waits for the other end of a pipe.
    ///
    /// - Parameters:
    ///   - path: Its name. A symbolic link is refused, as it may lead anywhere; folders above it may be links.
    ///   - flags: Flags of open(2); those that make it safe are added.
    ///   - privacy: Who else may read it.
    ///   - kind: What it may be.
    /// - Returns: The descriptor, which the caller closes.
    /// - Throws: ``OwnershipProblem`` saying what is wrong, and what to do about it.
    public static func open(
        _ path: String,
        _ flags: CInt,
        privacy: Privacy,
        kind: Kind = .file
    ) throws(OwnershipProblem) -> CInt {
        if kind == .output, let inherited = self.inherited(path) {
            // Who started the program chose what it is, and opened it.
            let descriptor = fcntl(inherited, F_DUPFD_CLOEXEC, 0)
            guard descriptor >= 0 else { throw OwnershipProblem(code: errno) }
            return descriptor
        }
        let descriptor = Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else {
            guard errno == ELOOP else { throw OwnershipProblem(code: errno) }
            throw OwnershipProblem(code: ELOOP, "it is a symbolic link; give the name of the file itself")
        }
        do throws(OwnershipProblem) {
            try self.check(descriptor, privacy, kind)
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Checks a file that another library opens by its name, in a folder that ``checkFolder(_:)`` found safe.
    ///
    /// - Throws: ``OwnershipProblem`` if a file is there that ``open(_:_:privacy:kind:)`` would refuse.
    public static func check(_ path: String, privacy: Privacy) throws(OwnershipProblem) {
        do throws(OwnershipProblem) {
            close(try self.open(path, O_RDWR, privacy: privacy))
        } catch {
            guard error.code == ENOENT else { throw error }
        }
    }

    /// Checks that no other user can put files into a folder, or replace those in it.
    ///
    /// - Parameter path: The folder, or a link to it.
    /// - Throws: ``OwnershipProblem`` if it belongs to another user than this one and root, or others may write to it. A folder
    ///   with the sticky bit, as `/tmp`, is allowed: others cannot replace files in it.
    public static func checkFolder(_ path: String) throws(OwnershipProblem) {
        var information = stat()
        guard stat(path, &information) == 0 else { throw OwnershipProblem(code: errno) }
        guard information.st_mode & S_IFMT == S_IFDIR else { throw OwnershipProblem(code: ENOTDIR) }
        guard information.st_uid == geteuid() || information.st_uid == 0 else {
            throw OwnershipProblem(owner: information.st_uid)
        }
        guard information.st_mode & 0o022 == 0 || information.st_mode & S_ISVTX != 0 else {
            throw OwnershipProblem(mode: information.st_mode)
        }
    }

    private static func check(_ descriptor: CInt, _ privacy: Privacy, _ kind: Kind) throws(OwnershipProblem) {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw OwnershipProblem(code: errno) }
        switch (information.st_mode & S_IFMT, kind) {
        case (S_IFREG, _), (S_IFIFO, .output): break
        // Only root makes devices.
        case (S_IFCHR, .output): return
        default: throw OwnershipProblem(code: EINVAL, "it is not a regular file")
        }
        guard information.st_uid == geteuid() else { throw OwnershipProblem(owner: information.st_uid) }
        guard information.st_mode & 0o022 == 0 else { throw OwnershipProblem(mode: information.st_mode) }
        guard privacy == .owner, information.st_mode & 0o077 != 0 else { return }
        guard fchmod(descriptor, information.st_mode & 0o700) == 0 else { throw OwnershipProblem(code: errno) }
    }

    /// The descriptor that a name stands for; the system has a symbolic link for each.
    private static func inherited(_ path: String) -> CInt? {
        switch path {
        case "/dev/stdout": return STDOUT_FILENO
        case "/dev/stderr": return STDERR_FILENO
        default:
            for folder in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(folder) {
                return CInt(path.dropFirst(folder.count))
            }
            return nil
        }
    }
}
