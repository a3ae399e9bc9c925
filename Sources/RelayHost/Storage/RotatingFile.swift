// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import OwnedFiles
internal import RelayHooks

#if canImport(Glibc)
internal import Glibc
#endif

/// A file that lines are appended to, and that is put aside once it is full: NAME becomes NAME.1, that NAME.2, and so on.
///
/// It is opened anew for every block, so whoever moves or deletes it meanwhile disturbs nobody.
struct RotatingFile {
    /// Why lines could not be written.
    struct Failure: Error {
        var reason: String
        init(reason: String) { self.reason = reason }
        init(call: String, path: String, code: CInt) {
            self.reason = "\(call) '\(path)': \(String(cString: strerror(code)))"
        }
    }

    /// The most that is written in one call, unless a line is longer.
    private static let blockBytes = 64 << 10

    let path: String
    let declaration: FileDeclaration

    /// Makes a file in a folder.
    init(_ declaration: FileDeclaration, in folder: String) {
        self.path = "\(folder)/\(declaration.name)"
        self.declaration = declaration
    }

    /// Appends the first of some lines, as many as go into one block; puts the file aside before that, if they do not fit.
    ///
    /// - Parameter lines: Lines with their ends, at least one.
    /// - Returns: How many were written, at least one.
    /// - Throws: ``Failure``; then none of those that are not counted is in the file, not even in part.
    func append(_ lines: ArraySlice<[UInt8]>) throws(Failure) -> Int {
        guard let first = lines.first else { return 0 }
        var (file, size, isTorn) = try self.open()
        if size > 0, size + first.count + (isTorn ? 1 : 0) > self.declaration.maxBytes {
            Glibc.close(file)
            try self.rotate()
            (file, size, isTorn) = try self.open()
        }
        defer { Glibc.close(file) }
        // A line of which a crash left the beginning stays a line of its own.
        var block: [UInt8] = isTorn ? [0x0A] : []
        var ends: [Int] = []
        for line in lines {
            let end = block.count + line.count
            guard ends.isEmpty || (end <= Self.blockBytes && size + end <= self.declaration.maxBytes) else { break }
            block += line
            ends.append(end)
        }
        let (written, code) = Self.write(block, to: file)
        if code == 0 { return ends.count }
        // What is written in part is taken back, so that it can be written as a whole.
        let whole = ends.last { $0 <= written } ?? 0
        if ftruncate(file, off_t(size + whole)) != 0 {
            throw Failure(call: "cannot shorten", path: self.path, code: errno)
        }
        guard whole > 0 else { throw Failure(call: "cannot write", path: self.path, code: code) }
        return ends.count { $0 <= whole }
    }

    /// Opens or makes the file; says how large it is, and whether its last line has no end.
    private func open() throws(Failure) -> (file: CInt, size: Int, isTorn: Bool) {
        let file: CInt
        do {
            // Other programs may be allowed to read it, as those that collect logs.
            file = try OwnedFile.open(self.path, O_RDWR | O_APPEND | O_CREAT, privacy: .asItIs)
        } catch {
            throw Failure(reason: "cannot write '\(self.path)': \(error.reason)")
        }
        var information = stat()
        guard fstat(file, &information) == 0 else {
            let code = errno
            Glibc.close(file)
            throw Failure(call: "cannot write", path: self.path, code: code)
        }
        let size = Int(information.st_size)
        var last: UInt8 = 0x0A
        if size > 0 { _ = pread(file, &last, 1, off_t(size - 1)) }
        return (file, size, last != 0x0A)
    }

    /// Writes bytes; returns how many were written and, if not all, why.
    private static func write(_ block: [UInt8], to file: CInt) -> (written: Int, code: CInt) {
        var written = 0
        while written < block.count {
            let count = block.withUnsafeBytes { bytes in
                Glibc.write(file, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return (written, count == 0 ? EIO : errno) }
            written += count
        }
        return (written, 0)
    }

    /// Puts the file aside.
    ///
    /// Where that fails nothing is lost: every file still has one of the names.
    private func rotate() throws(Failure) {
        let keep = self.declaration.keep
        guard keep > 0 else {
            guard unlink(self.path) == 0 || errno == ENOENT else {
                throw Failure(call: "cannot delete", path: self.path, code: errno)
            }
            return
        }
        // Those that an older declaration kept.
        for index in (keep + 1)...(FileDeclaration.mostKept + 1) { unlink("\(self.path).\(index)") }
        for index in stride(from: keep, through: 1, by: -1) {
            let from = index == 1 ? self.path : "\(self.path).\(index - 1)"
            guard rename(from, "\(self.path).\(index)") == 0 || errno == ENOENT else {
                throw Failure(call: "cannot move", path: from, code: errno)
            }
        }
    }
}
