// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Synchronization

/// A program started by a test: its input can be typed, its output is collected.
package final class Program: Sendable {
    private let process: Process
    private let input = Pipe()
    private let collected = Mutex(Collected())

    private struct Collected {
        var output: [UInt8] = []
        var error: [UInt8] = []
        /// How many of both have ended.
        var ends = 0
    }

    /// Starts a program and, when `body` is done, ends this one process.
    package static func run<Result>(
        _ path: String,
        _ arguments: [String],
        in folder: String? = nil,
        environment: [String: String] = [:],
        _ body: (Program) async throws -> Result
    ) async throws -> Result {
        let program = try Program(path, arguments, folder, environment)
        defer { program.kill() }
        return try await body(program)
    }

    /// The `luar` that was built with these tests.
    package static var luar: String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("luar").path
    }

    /// Whether a program is on this machine's search path.
    package static func exists(_ name: String) -> Bool { Self.path(of: name) != nil }

    /// The first file of this name that can be executed on the search path.
    package static func path(of name: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private init(
        _ path: String,
        _ arguments: [String],
        _ folder: String?,
        _ environment: [String: String]
    ) throws {
        Foundation.signal(SIGPIPE, SIG_IGN)
        self.process = Process()
        self.process.executableURL = URL(fileURLWithPath: path)
        self.process.arguments = arguments
        if let folder { self.process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        // What the tests' own environment says of luar must not decide how they end.
        let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LUAR_") }
        self.process.environment = inherited.merging(environment) { _, new in new }
        self.process.standardInput = self.input
        let output = Pipe()
        let error = Pipe()
        self.process.standardOutput = output
        self.process.standardError = error
        try self.process.run()
        // Threads that read until the end: readability handlers do not always tell of it.
        self.collect(output) { $0.output += $1 }
        self.collect(error) { $0.error += $1 }
    }

    private func collect(_ pipe: Pipe, _ add: @escaping @Sendable (inout Collected, Data) -> Void) {
        Thread.detachNewThread {
            while true {
                let data = pipe.fileHandleForReading.availableData
                self.collected.withLock { collected in
                    add(&collected, data)
                    collected.ends += data.isEmpty ? 1 : 0
                }
                if data.isEmpty { return }
            }
        }
    }

    package var outputBytes: [UInt8] { self.collected.withLock { $0.output } }
    package var output: String { String(decoding: self.outputBytes, as: UTF8.self) }
    package var error: String { self.collected.withLock { String(decoding: $0.error, as: UTF8.self) } }

    package func type(_ line: String) { self.write(Array((line + "\n").utf8)) }

    /// Types bytes; those that come too late for a program that has ended are lost.
    package func write(_ bytes: [UInt8]) { try? self.input.fileHandleForWriting.write(contentsOf: Data(bytes)) }
    package func endInput() { try? self.input.fileHandleForWriting.close() }

    package func prints(_ text: String) throws {
        try poll("'\(text)' in output '\(self.output.suffix(2_000))', error '\(self.error.suffix(2_000))'") {
            self.output.contains(text)
        }
    }

    package func logs(_ text: String) throws {
        try poll("'\(text)' in error '\(self.error.suffix(2_000))'") { self.error.contains(text) }
    }

    /// Waits until everything that the program printed has arrived; only for one that has ended.
    private func drained() throws {
        try poll("the output ends") { self.collected.withLock { $0.ends == 2 } }
    }

    /// Asks the program to end, as a service manager does, and returns its exit code.
    package func terminate() throws -> Int32 {
        self.process.terminate()
        return try self.exitCode()
    }

    package func interrupt() throws -> Int32 {
        self.process.interrupt()
        return try self.exitCode()
    }

    /// Waits until the program ignores a signal, which is the first thing that some programs do (proc(5), SigIgn).
    package func ignores(_ number: Int32) throws {
        let path = "/proc/\(self.process.processIdentifier)/status"
        try poll("the program ignores signal \(number)") {
            guard let status = try? String(contentsOfFile: path, encoding: .utf8),
                let mask = status.firstMatch(of: /SigIgn:\s*([0-9a-f]+)/).flatMap({ UInt64($0.1, radix: 16) })
            else { return false }
            return mask & 1 << UInt64(number - 1) != 0
        }
    }

    package func signal(_ number: Int32) { Foundation.kill(self.process.processIdentifier, number) }

    /// Waits until it has ended, and all that it has written is here.
    package func exitCode() throws -> Int32 {
        try poll("the program ends; error '\(self.error)'") { !self.process.isRunning }
        try self.drained()
        return self.process.terminationStatus
    }

    private func kill() {
        if self.process.isRunning { Foundation.kill(self.process.processIdentifier, SIGKILL) }
    }
}
