// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import OwnedFiles
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// The folder of the spool: `waiting/`, `failed/`, `tmp/` for files being written, and `lock`.
///
/// Its methods do one thing each with names of their own, and may be called from any thread.
final class SpoolFolder: Sendable {
    /// What the system said, and of what.
    struct Failure: Error {
        var call: String
        var path: String
        var code: CInt
        /// What is wrong, where the system's words do not say it.
        var detail: String?
        var reason: String {
            "\(self.call) '\(self.path)': \(self.detail ?? String(cString: strerror(self.code)))"
        }
    }

    static let ending = ".mail"
    /// A file beside a failed mail that says why it failed.
    static let reasonEnding = ".reason"
    /// The last errors of waiting mails, for listings.
    static let errorsFile = "errors.json"
    /// The first mail of each incident, so that later ones follow it after a restart too.
    static let threadsFile = "threads.json"
    private static let largestFile = 64 << 20

    let path: String
    /// The lock file's descriptor; a folder that is made again has another.
    private let lock = Mutex<CInt>(-1)

    /// Makes what is not there, locks it, and sees whether it can be written to.
    init(_ path: String) throws(MailError) {
        self.path = path
        do throws(Failure) {
            try self.prepare()
        } catch {
            guard error.code != EWOULDBLOCK else {
                throw MailError(
                    "the spool folder '\(path)' is in use by another relay; give each its own folder, or stop the other"
                )
            }
            throw MailError("\(error.reason); choose another spool folder, or make this one writable")
        }
        for name in self.names(in: "tmp") { unlink("\(path)/tmp/\(name)") }
        do throws(Failure) {
            try self.probe()
            try self.sync("")
            // Whoever made the folder made its name too; a parent that cannot be read was not made by us.
            try? self.sync("..")
        } catch {
            throw MailError("\(error.reason); free some space, make the spool folder writable, or choose another")
        }
    }

    deinit { self.lock.withLock { if $0 >= 0 { Glibc.close($0) } } }

    /// Makes what is not there, and locks it.
    private func prepare() throws(Failure) {
        try Self.makeFolders(self.path)
        for folder in ["waiting", "failed", "tmp"] { try Self.makeFolder("\(self.path)/\(folder)") }
        let file = try Self.open(self.path + "/lock", O_RDONLY | O_CREAT)
        var (own, held) = (stat(), stat())
        let isHeld = self.lock.withLock { lock in
            lock >= 0 && fstat(lock, &held) == 0 && fstat(file, &own) == 0 && held.st_ino == own.st_ino
                && held.st_dev == own.st_dev
        }
        guard !isHeld else {
            Glibc.close(file)
            return
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            Glibc.close(file)
            throw Failure(call: "cannot lock", path: self.path, code: code)
        }
        self.lock.withLock { lock in
            if lock >= 0 { Glibc.close(lock) }
            lock = file
        }
    }

    /// Sees whether the folder can be written to.
    func probe() throws(Failure) {
        try self.write([UInt8](repeating: 0x20, count: 4_096), as: "tmp/probe", isDurable: true)
        try self.delete("tmp/probe")
    }

    /// Lets another process have the folder.
    func unlock() { self.lock.withLock { _ = flock($0, LOCK_UN) } }

    // MARK: Mails

    /// Writes a mail so that it outlasts a crash of the machine from here on.
    func save(_ file: SpoolFile) throws(Failure) {
        let name = "waiting/\(file.envelope.id)\(Self.ending)"
        guard let bytes = try? file.encoded() else { throw Failure(call: "cannot encode", path: name, code: EINVAL) }
        try self.write(bytes, as: name, isDurable: true)
    }

    func load(_ id: String) throws(Failure) -> [UInt8] { try self.read("waiting/\(id)\(Self.ending)") }

    /// Deletes a mail that was sent or stands in a digest; none there is as good.
    func remove(_ id: String) throws(Failure) {
        try self.delete("waiting/\(id)\(Self.ending)")
        try self.sync("waiting")
    }

    /// Moves a file out of the way for good.
    func setAside(_ name: String, reason: String) throws(Failure) {
        let stem = name.hasSuffix(Self.ending) ? String(name.dropLast(Self.ending.count)) : name
        // A full disk may have no room for the reason; that keeps no mail where it is tried again.
        try? self.write(Array(reason.utf8), as: "failed/\(stem)\(Self.reasonEnding)", isDurable: true)
        try self.move("waiting/\(name)", to: "failed/\(name)")
        try self.sync("failed")
        try self.sync("waiting")
    }

    /// Writes a failed mail that is in memory only.
    func saveFailed(_ file: SpoolFile, reason: String) throws(Failure) {
        guard let bytes = try? file.encoded() else {
            throw Failure(call: "cannot encode", path: file.envelope.id, code: EINVAL)
        }
        try self.write(Array(reason.utf8), as: "failed/\(file.envelope.id)\(Self.reasonEnding)", isDurable: true)
        try self.write(bytes, as: "failed/\(file.envelope.id)\(Self.ending)", isDurable: true)
    }

    /// Keeps only so many failed mails, the newest ones.
    func pruneFailed(keeping most: Int) {
        let names = self.names(in: "failed")
        let stems = Set(
            names.map { $0.hasSuffix(Self.reasonEnding) ? String($0.dropLast(Self.reasonEnding.count)) : self.stem($0) }
        )
        let surplus = Set(stems.sorted().dropLast(most))
        for name in names where surplus.contains(where: { name == $0 || name.hasPrefix($0 + ".") }) {
            unlink("\(self.path)/failed/\(name)")
        }
    }

    private func stem(_ name: String) -> String {
        name.hasSuffix(Self.ending) ? String(name.dropLast(Self.ending.count)) : name
    }

    /// The files of a folder, sorted by name and so by time.
    func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(self.path)/\(folder)")) ?? []).sorted()
    }

    // MARK: Files

    /// Writes a whole file, or nothing.
    func write(_ bytes: [UInt8], as name: String, isDurable: Bool) throws(Failure) {
        let target = "\(self.path)/\(name)"
        let temporary = "\(self.path)/tmp/\(name.replacing("/", with: "-"))"
        let file = try self.openTemporary(temporary, for: target)
        do throws(Failure) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    throw Failure(call: "cannot write", path: target, code: count == 0 ? EIO : errno)
                }
                rest = rest.dropFirst(count)
            }
            if isDurable, fsync(file) != 0 { throw Failure(call: "cannot write", path: target, code: errno) }
        } catch {
            Glibc.close(file)
            unlink(temporary)
            throw error
        }
        Glibc.close(file)
        guard rename(temporary, target) == 0 else {
            let code = errno
            unlink(temporary)
            throw Failure(call: "cannot write", path: target, code: code)
        }
        if isDurable { try self.sync(String(name.prefix { $0 != "/" })) }
    }

    /// Opens a temporary file, in the place of a folder that somebody has deleted, too.
    private func openTemporary(_ path: String, for target: String) throws(Failure) -> CInt {
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        do throws(Failure) {
            return try Self.open(path, flags, for: target)
        } catch {
            guard error.code == ENOENT else { throw error }
            try self.prepare()
            return try Self.open(path, flags, for: target)
        }
    }

    /// Reads a file of this user's; a mail that somebody else wrote would be sent in the relay's name.
    func read(_ name: String) throws(Failure) -> [UInt8] {
        let path = "\(self.path)/\(name)"
        let file: CInt
        do {
            file = try OwnedFile.open(path, O_RDONLY, privacy: .owner)
        } catch {
            throw Failure(call: "cannot read", path: path, code: error.code, detail: error.reason)
        }
        return try Self.read(file, path)
    }

    /// A file of any user's folder, for listings; nil if it cannot be read.
    static func contents(of path: String) -> [UInt8]? {
        // A pipe would be waited for.
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        return file < 0 ? nil : try? self.read(file, path)
    }

    /// Reads an open file, and closes it.
    private static func read(_ file: CInt, _ path: String) throws(Failure) -> [UInt8] {
        defer { Glibc.close(file) }
        var information = stat()
        guard fstat(file, &information) == 0, information.st_mode & S_IFMT == S_IFREG,
            information.st_size <= self.largestFile
        else {
            throw Failure(call: "cannot read", path: path, code: EINVAL)
        }
        var bytes = [UInt8](repeating: 0, count: Int(information.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(file, $0.baseAddress.map { $0 + filled }, $0.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(call: "cannot read", path: path, code: errno) }
            if count == 0 { break }
            filled += count
        }
        return Array(bytes[..<filled])
    }

    private func delete(_ name: String) throws(Failure) {
        guard unlink("\(self.path)/\(name)") == 0 || errno == ENOENT else {
            throw Failure(call: "cannot delete", path: "\(self.path)/\(name)", code: errno)
        }
    }

    private func move(_ name: String, to other: String) throws(Failure) {
        guard rename("\(self.path)/\(name)", "\(self.path)/\(other)") == 0 else {
            throw Failure(call: "cannot move", path: "\(self.path)/\(name)", code: errno)
        }
    }

    /// Makes what happened to a folder's names last.
    private func sync(_ folder: String) throws(Failure) {
        let path = "\(self.path)/\(folder)"
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard file >= 0 else { throw Failure(call: "cannot write to", path: path, code: errno) }
        defer { Glibc.close(file) }
        guard fsync(file) == 0 else { throw Failure(call: "cannot write to", path: path, code: errno) }
    }

    /// Makes a folder and those above it.
    private static func makeFolders(_ path: String) throws(Failure) {
        var above = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/").dropLast() {
            above += part
            if mkdir(above, 0o700) != 0, errno != EEXIST {
                throw Failure(call: "cannot make the spool folder", path: path, code: errno)
            }
            above += "/"
        }
        try self.makeFolder(path, follows: true)
    }

    /// Makes a folder, or takes the one that is there; a link to one counts only where somebody chose the name.
    private static func makeFolder(_ path: String, follows: Bool = false) throws(Failure) {
        guard mkdir(path, 0o700) != 0 else { return }
        let code = errno
        var information = stat()
        guard code == EEXIST, (follows ? stat(path, &information) : lstat(path, &information)) == 0,
            information.st_mode & S_IFMT == S_IFDIR
        else {
            throw Failure(call: "cannot make the spool folder", path: path, code: code == EEXIST ? ENOTDIR : code)
        }
        do {
            try OwnedFile.checkFolder(path)
        } catch {
            throw Failure(call: "cannot use the spool folder", path: path, code: error.code, detail: error.reason)
        }
    }

    private static func open(_ path: String, _ flags: CInt, for target: String? = nil) throws(Failure) -> CInt {
        do {
            return try OwnedFile.open(path, flags, privacy: .owner)
        } catch {
            throw Failure(call: "cannot write", path: target ?? path, code: error.code, detail: error.reason)
        }
    }
}
