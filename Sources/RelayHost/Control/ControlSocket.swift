// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import HostSettings

#if canImport(Glibc)
internal import Glibc
#endif

/// Where the control sockets of relays are, and whether somebody listens there.
///
/// Each process has one of its own, named after its number, in a folder that only its user may enter: so relays do not get in
/// each other's way, and a command finds the one that runs.
public enum ControlSocket {
    /// The longest path that SwiftNIO takes on every system (`sun_path`).
    static let longestPath = 103

    /// The folder of the sockets that were given no path.
    static func folder(_ environment: [String: String]) -> String {
        if let runtime = environment["XDG_RUNTIME_DIR"], !runtime.isEmpty { return "\(runtime)/luar" }
        return "/tmp/luar-\(getuid())"
    }

    /// Where this process listens.
    ///
    /// - Parameters:
    ///   - settings: What was set.
    ///   - environment: The process's environment.
    /// - Returns: The path; nil if there is to be none.
    /// - Throws: ``RelayError`` if the folder cannot be used.
    static func path(
        for settings: Settings,
        _ environment: [String: String]
    ) throws(RelayError) -> String? {
        guard settings.hasControl else { return nil }
        if let path = settings.control { return path }
        let folder = self.folder(environment)
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw RelayError(
                "cannot make the folder '\(folder)' for the control socket: \(String(cString: strerror(errno))); "
                    + "choose a path with --control, or do without with --no-control"
            )
        }
        var information = stat()
        // In /tmp somebody else may have been first.
        guard lstat(folder, &information) == 0, information.st_mode & S_IFMT == S_IFDIR,
            information.st_uid == getuid(), information.st_mode & 0o077 == 0
        else {
            throw RelayError(
                "the folder '\(folder)' for the control socket is not yours alone; choose a path with --control, or do "
                    + "without with --no-control"
            )
        }
        self.removeStale(in: folder)
        return "\(folder)/\(getpid()).sock"
    }

    /// Removes what processes left behind that were killed.
    private static func removeStale(in folder: String) {
        for path in self.sockets(in: folder) where !self.isAlive(path) { unlink(path) }
    }

    private static func sockets(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasSuffix(".sock") }
            .sorted()
            .map { "\(folder)/\($0)" }
    }

    /// Makes place for a socket: one that nobody listens to is removed.
    ///
    /// - Parameter path: Where the socket is to be.
    /// - Throws: ``RelayError`` if something else is there, or somebody listens.
    static func clear(_ path: String) throws(RelayError) {
        let choose = "choose another path with --control, or do without with --no-control"
        guard path.utf8.count <= self.longestPath else {
            throw RelayError(
                "the control socket's path '\(path)' has \(path.utf8.count) bytes, and the system takes "
                    + "\(self.longestPath); \(choose)"
            )
        }
        var information = stat()
        guard lstat(path, &information) == 0 else { return }
        guard information.st_mode & S_IFMT == S_IFSOCK else {
            throw RelayError("'\(path)' is there, and no control socket; \(choose)")
        }
        guard !self.isAlive(path) else {
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
        let alive = self.sockets(in: self.folder(environment)).filter { self.isAlive($0) }
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

    /// Whether somebody listens at a path.
    private static func isAlive(_ path: String) -> Bool {
        guard path.utf8.count <= self.longestPath else { return false }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // Whatever else is wrong, there may be somebody.
        return code == 0 || (errno != ECONNREFUSED && errno != ENOENT)
    }
}
