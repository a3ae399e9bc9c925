// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import HostSettings
internal import OwnedFiles

#if canImport(Glibc)
internal import Glibc
#endif

/// Where the control sockets of relays are, and whether a relay listens there.
///
/// Each process has a socket of its own, named after its number, in a folder that only its user may enter: so relays do not
/// get in each other's way, and a command finds the one that runs.
public enum ControlSocket {
    /// The longest path that SwiftNIO takes on every system (`sun_path`).
    static let longestPath = 103

    /// The folders of the sockets that were given no path, the preferred one first.
    ///
    /// In a shared temporary folder another user can make our folder first; the last one is where only this user can.
    static func folders(_ environment: [String: String]) -> [String] {
        let value = { (name: String) in environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let state = value("XDG_STATE_HOME") ?? value("HOME").map { "\($0)/.local/state" }
        let first = value("XDG_RUNTIME_DIR").map { "\($0)/luar" } ?? "/tmp/luar-\(getuid())"
        return [first] + (state.map { ["\($0)/luar/control"] } ?? [])
    }

    /// Where this process listens.
    ///
    /// - Parameters:
    ///   - settings: What was set.
    ///   - environment: The process's environment.
    /// - Returns: The path, in the first folder that can be used; nil if there is to be no socket.
    /// - Throws: ``RelayError`` if no folder can be used.
    static func path(for settings: Settings, _ environment: [String: String]) throws(RelayError) -> String? {
        guard settings.hasControl else { return nil }
        if let path = settings.control { return path }
        var problems: [String] = []
        for folder in self.folders(environment) {
            do {
                try self.prepare(folder)
                self.removeStale(in: folder)
                return "\(folder)/\(getpid()).sock"
            } catch {
                problems.append(error.description)
            }
        }
        throw RelayError(
            "\(problems.joined(separator: "; ")); choose a path with --control, or do without with --no-control"
        )
    }

    /// Makes a folder for control sockets, or takes the one that is there and this user's alone.
    private static func prepare(_ folder: String) throws(RelayError) {
        var above = folder.hasPrefix("/") ? "" : "."
        for part in folder.split(separator: "/") {
            above += "/\(part)"
            guard mkdir(above, 0o700) != 0, errno != EEXIST else { continue }
            let reason = String(cString: strerror(errno))
            throw RelayError("cannot make the folder '\(folder)' for the control socket: \(reason)")
        }
        guard self.isOwn(folder) else {
            throw RelayError("the folder '\(folder)' for the control socket is not yours alone")
        }
    }

    /// Whether a folder is this user's, and no other may enter it.
    private static func isOwn(_ folder: String) -> Bool {
        var information = stat()
        return lstat(folder, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
            && information.st_uid == geteuid() && information.st_mode & 0o077 == 0
    }

    /// Removes the sockets of processes that were killed.
    private static func removeStale(in folder: String) {
        for path in self.sockets(in: folder) {
            guard let lock = try? ControlLock(path) else { continue }
            if self.listener(at: path) == .none { unlink(path) }
            lock.release()
        }
    }

    private static func sockets(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasSuffix(".sock") }
            .sorted()
            .map { "\(folder)/\($0)" }
    }

    /// Makes room for a socket: one without a listener is removed.
    ///
    /// - Parameter path: Where the socket is to be.
    /// - Returns: The lock on the path, held as long as the socket is used.
    /// - Throws: ``RelayError`` if something else is there, or another process listens.
    static func clear(_ path: String) throws(RelayError) -> ControlLock {
        let choose = "choose another path with --control, or do without with --no-control"
        guard path.utf8.count <= self.longestPath else {
            throw RelayError(
                "the control socket's path '\(path)' has \(path.utf8.count) bytes, and the system takes "
                    + "\(self.longestPath); \(choose)"
            )
        }
        let lock: ControlLock
        do {
            lock = try ControlLock(path)
        } catch {
            guard error.code == EWOULDBLOCK else {
                throw RelayError("cannot lock the control socket '\(path)': \(error.reason); \(choose)")
            }
            throw RelayError("the control socket '\(path)' is another relay's, which runs; \(choose)")
        }
        do throws(RelayError) {
            try self.removeSocket(path, choose)
            return lock
        } catch {
            lock.release()
            throw error
        }
    }

    private static func removeSocket(_ path: String, _ choose: String) throws(RelayError) {
        var information = stat()
        guard lstat(path, &information) == 0 else { return }
        guard information.st_mode & S_IFMT == S_IFSOCK else {
            throw RelayError("'\(path)' is there, and no control socket; \(choose)")
        }
        // One of another program, which knows nothing of the lock.
        guard self.listener(at: path) == .none else {
            throw RelayError("the control socket '\(path)' is another relay's, which runs; \(choose)")
        }
        guard unlink(path) == 0 else {
            throw RelayError(
                "cannot remove the control socket '\(path)' that a relay left behind: "
                    + "\(String(cString: strerror(errno))); \(choose)"
            )
        }
    }

    /// Finds the relay to talk to.
    ///
    /// - Parameters:
    ///   - path: The path that was asked for, if one was.
    ///   - environment: The process's environment.
    /// - Returns: The path.
    /// - Throws: ``RelayError`` if none runs, or several do.
    public static func find(_ path: String?, environment: [String: String]) throws -> String {
        if let path { return path }
        // Sockets of strangers, in a folder that they made for us, are not even named.
        let alive = self.folders(environment).flatMap { self.sockets(in: $0) }
            .filter { self.listener(at: $0) == .trusted }
        guard let first = alive.first else {
            throw RelayError(
                "no relay of yours runs here that can be talked to; start one with luar serve, or name its socket with --control"
            )
        }
        guard alive.count == 1 else {
            throw RelayError(
                "several relays run; name the one you mean with --control: \(alive.joined(separator: ", "))"
            )
        }
        return first
    }

    /// Calls something with the address that a path is, for bind(2) and connect(2).
    static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(self.longestPath)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// Who listens at a path.
    enum Listener {
        case none
        /// Its answers are believed: ``PeerCredentials/isTrusted``.
        case trusted
        /// Another user, or what else cannot be asked.
        case other
    }

    static func listener(at path: String) -> Listener {
        guard path.utf8.count <= self.longestPath else { return .none }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .other }
        defer { close(descriptor) }
        // A full queue of connections is not waited for.
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        let code = self.withAddress(path) { connect(descriptor, $0, $1) }
        guard code == 0 else { return errno == ECONNREFUSED || errno == ENOENT ? .none : .other }
        var peer = PeerCredentials(process: 0, user: .max, group: .max)
        var size = socklen_t(MemoryLayout<PeerCredentials>.size)
        let isKnown = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0
        return isKnown && peer.isTrusted ? .trusted : .other
    }
}

/// What `SO_PEERCRED` tells (unix(7)); glibc shows its own name for it only to programs that ask for GNU extensions.
struct PeerCredentials: Sendable {
    var process: pid_t
    var user: uid_t
    var group: gid_t

    /// Whether a command believes what this peer answers.
    ///
    /// It does if the peer is this user or root; root may ask anybody.
    var isTrusted: Bool { self.isTrusted(by: geteuid()) }

    func isTrusted(by caller: uid_t) -> Bool { self.user == caller || self.user == 0 || caller == 0 }
}
