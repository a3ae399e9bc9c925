// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

#if canImport(Glibc)
internal import Glibc
#endif

/// What the kernel reports of watched directories: inotify(7).
struct DirectoryEvents {
    /// A change of a directory, or of a name in one.
    struct Event: Equatable {
        /// The number of the watch; -1 for none in particular.
        var watch: Int32
        /// What happened, and to what: `IN_CREATE` and so on.
        var mask: UInt32
        /// The name in the directory; empty if it is the directory itself.
        var name: String

        /// Whether the scripts may differ after it.
        ///
        /// - Parameter interests: What matters in the directories that are watched now.
        /// - Returns: Whether the folder must be read again.
        func matters(to interests: [Int32: WatchedNames.Interest]) -> Bool {
            // The queue was full, so any event may be missing.
            if self.mask & UInt32(IN_Q_OVERFLOW) != 0 { return true }
            // A watch that was removed reports what happened before.
            guard let interest = interests[self.watch] else { return false }
            if interest.steps.contains(self.name) { return true }
            guard interest.hasScripts else { return self.mask & Self.endOfDirectory != 0 }
            if self.name.isEmpty || self.name.hasSuffix(".lua") { return true }
            // A new name may be a folder, or a link to one. Editors keep hidden files here, and write to others.
            return self.mask & Self.change == 0 && !self.name.hasPrefix(".")
        }

        private static let change = UInt32(IN_MODIFY) | UInt32(IN_CLOSE_WRITE)
        private static let endOfDirectory = UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_UNMOUNT)
    }

    /// The names that come and go, and the directory itself.
    private static let namesMask =
        UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO) | UInt32(IN_DELETE_SELF)
        | UInt32(IN_MOVE_SELF)
    /// What is in files, and who may read them.
    private static let contentMask = UInt32(IN_MODIFY) | UInt32(IN_CLOSE_WRITE) | UInt32(IN_ATTRIB)

    /// The descriptor, which the caller closes; readable when there are events.
    let descriptor: CInt

    /// Makes a queue of events without watches.
    ///
    /// - Throws: ``SettingsError`` if this user has too many of them.
    init() throws(SettingsError) {
        self.descriptor = inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC))
        guard self.descriptor >= 0 else {
            let remedy = errno == EMFILE ? "; raise fs.inotify.max_user_instances or the limit of open files" : ""
            throw SettingsError("cannot watch the scripts: \(String(cString: strerror(errno)))\(remedy)")
        }
    }

    /// Watches a directory, or changes what is watched in it.
    ///
    /// - Parameters:
    ///   - directory: Its path.
    ///   - hasContent: Whether what is written to its files matters, too.
    /// - Returns: The watch's number, the same for the same directory; nil if it does not exist or cannot be read.
    /// - Throws: ``SettingsError`` if this user has too many watches.
    func watch(_ directory: String, hasContent: Bool) throws(SettingsError) -> Int32? {
        let mask = Self.namesMask | (hasContent ? Self.contentMask : 0) | UInt32(IN_ONLYDIR) | UInt32(IN_MASK_ADD)
        let watch = inotify_add_watch(self.descriptor, directory, mask)
        if watch >= 0 { return watch }
        guard errno == ENOSPC || errno == ENOMEM else { return nil }
        throw SettingsError(
            "cannot watch '\(directory)': \(String(cString: strerror(errno))); raise fs.inotify.max_user_watches"
        )
    }

    /// Ends a watch.
    func unwatch(_ watch: Int32) { _ = inotify_rm_watch(self.descriptor, watch) }

    /// The events that are there, as many as one system call gives; none if there are none.
    func read() -> [Event] {
        withUnsafeTemporaryAllocation(byteCount: Self.bufferBytes, alignment: MemoryLayout<inotify_event>.alignment) {
            let count = Glibc.read(self.descriptor, $0.baseAddress, $0.count)
            return count > 0 ? Self.parse(UnsafeRawBufferPointer(rebasing: $0[..<count])) : []
        }
    }

    private static let bufferBytes = 16 << 10

    /// Takes apart what read(2) returned: each event has a header, then a name that zeros fill up.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> [Event] {
        let headerBytes = MemoryLayout<inotify_event>.size
        var events: [Event] = []
        var rest = bytes[...]
        while rest.count >= headerBytes {
            let header = bytes.loadUnaligned(fromByteOffset: rest.startIndex, as: inotify_event.self)
            let end = headerBytes + Int(header.len)
            guard rest.count >= end else { break }
            let name = rest.prefix(end).dropFirst(headerBytes).prefix { $0 != 0 }
            events.append(Event(watch: header.wd, mask: header.mask, name: String(decoding: name, as: UTF8.self)))
            rest = rest.dropFirst(end)
        }
        return events
    }
}
