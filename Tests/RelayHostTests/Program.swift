// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Synchronization

/// A program started by a test: its input can be typed, its output is collected.
final class Program: Sendable {
    private let process: Process
    private let input = Pipe()
    private let collected = Mutex((output: "", error: ""))

    /// Starts a program and, when `body` is done, ends this one process.
    static func run<Result>(
        _ path: String,
        _ arguments: [String],
        in folder: String? = nil,
        _ body: (Program) async throws -> Result
    ) async throws -> Result {
        let program = try Program(path, arguments, folder)
        defer { program.kill() }
        return try await body(program)
    }

    /// The `luar` that was built with these tests.
    static var luar: String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("luar").path
    }

    /// Whether a program is on this machine's search path.
    static func exists(_ name: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .contains {
                FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
            }
    }

    private init(_ path: String, _ arguments: [String], _ folder: String?) throws {
        self.process = Process()
        self.process.executableURL = URL(fileURLWithPath: path)
        self.process.arguments = arguments
        if let folder { self.process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        self.process.standardInput = self.input
        let output = Pipe()
        let error = Pipe()
        self.process.standardOutput = output
        self.process.standardError = error
        output.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            self?.collected.withLock { $0.output += String(decoding: data, as: UTF8.self) }
        }
        error.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            self?.collected.withLock { $0.error += String(decoding: data, as: UTF8.self) }
        }
        try self.process.run()
    }

    var output: String { self.collected.withLock { $0.output } }
    var error: String { self.collected.withLock { $0.error } }

    func type(_ line: String) { self.input.fileHandleForWriting.write(Data((line + "\n").utf8)) }
    func endInput() { try? self.input.fileHandleForWriting.close() }

    func prints(_ text: String) throws {
        try poll("'\(text)' in output '\(self.output.suffix(2_000))', error '\(self.error.suffix(2_000))'") {
            self.output.contains(text)
        }
    }

    func logs(_ text: String) throws {
        try poll("'\(text)' in error '\(self.error.suffix(2_000))'") { self.error.contains(text) }
    }

    /// Asks the program to end, as a service manager does, and returns its exit code.
    func terminate() throws -> Int32 {
        self.process.terminate()
        return try self.exitCode()
    }

    func interrupt() throws -> Int32 {
        self.process.interrupt()
        return try self.exitCode()
    }

    func exitCode() throws -> Int32 {
        try poll("the program ends; error '\(self.error)'") { !self.process.isRunning }
        return self.process.terminationStatus
    }

    private func kill() {
        if self.process.isRunning { Foundation.kill(self.process.processIdentifier, SIGKILL) }
    }
}
