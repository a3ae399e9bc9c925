// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import Testing

@testable import LineOutput

@Suite(.timeLimit(.minutes(15))) struct LineWriterTests {
    private func escaped(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        bytes.withUnsafeBytes { LineEscaping.append($0, to: &output) }
        return String(decoding: output, as: UTF8.self)
    }

    @Test(arguments: [
        ("olá, mundo 👋", "olá, mundo 👋"), ("a\u{1B}[2Jb", #"a\x1B[2Jb"#), ("a\nb\rc\td", #"a\nb\rc\td"#),
        ("\u{7F}\u{0}", #"\x7F\x00"#), ("\u{9B}31m", #"\u{9B}31m"#), ("\u{202E}abc", #"\u{202E}abc"#), ("", ""),
    ])
    func `what would control a terminal is shown`(text: String, shown: String) {
        #expect(self.escaped(Array(text.utf8)) == shown)
    }

    @Test func `bytes that are not UTF-8 are shown one by one`() {
        #expect(self.escaped([0x61, 0xFF, 0xC3, 0x62, 0xE2, 0x82]) == #"a\xFF\xC3b\xE2\x82"#)
    }

    @Test func `any bytes at all come out as clean text`() {
        var state: UInt64 = 42
        for _ in 0..<2_000 {
            let bytes = (0..<40)
                .map { _ -> UInt8 in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return UInt8(truncatingIfNeeded: state >> 56)
                }
            let text = self.escaped(bytes)
            #expect(
                !text.unicodeScalars.contains {
                    $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) || $0.value == 0xFFFD
                }
            )
        }
    }

    @Test func `a reader that does not read holds up nobody and is told what it missed`() throws {
        let pipe = Pipe()
        let writer = LineWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor, limit: 100_000, label: "test")
        let line = String(repeating: "x", count: 9_999)
        // More than any pipe holds, and more than the queue.
        for _ in 0..<2_000 { writer.write(line) }
        #expect(writer.isFull)
        let reader = Task.detached { () -> String in
            var all = Data()
            while true {
                let data = pipe.fileHandleForReading.availableData
                all.append(data)
                if data.isEmpty || String(decoding: all.suffix(200), as: UTF8.self).contains("fim\n") { break }
            }
            return String(decoding: all, as: UTF8.self)
        }
        while writer.isFull { usleep(1_000) }
        writer.write("fim")
        let semaphore = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var text = ""
        Task.detached {
            text = await reader.value
            semaphore.signal()
        }
        semaphore.wait()
        let lines = text.split(separator: "\n")
        let kept = lines.count { $0 == line[...] }
        let missed = lines.compactMap { $0.wholeMatch(of: /luar: (\d+) lines dropped, .*/)?.1 }.compactMap { Int($0) }
        #expect(kept + missed.reduce(0, +) == 2_000)
        #expect(!missed.isEmpty)
    }

    @Test(arguments: ["", "\u{1}", "text"])
    func `lines that wait are bounded by their bytes as they are written`(text: String) throws {
        let pipe = Pipe()
        let limit = 1 << 20
        let descriptor = dup(pipe.fileHandleForWriting.fileDescriptor)
        try pipe.fileHandleForWriting.close()
        let writer = LineWriter(descriptor: descriptor, limit: limit, label: "test")
        let line = String(repeating: text, count: 64 << 10)
        var (count, most) = (0, 0)
        // A pipe and the queue hold less than this.
        while !writer.isFull, count < 4 * limit {
            writer.write(line)
            most = max(most, writer.waitingBytes)
            count += 1
        }
        #expect(writer.isFull)
        #expect(most <= limit)
        // Closed by the end of the test: the writer's thread then gives up, and closes its descriptor.
        signal(SIGPIPE, SIG_IGN)
        try pipe.fileHandleForReading.close()
        writer.close()
    }

    @Test func `a line longer than the limit is dropped, counted and not kept`() throws {
        let pipe = Pipe()
        let writer = LineWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor, limit: 100, label: "test")
        writer.write(String(repeating: "\u{1}", count: 30))
        let data = pipe.fileHandleForReading.availableData
        #expect(String(decoding: data, as: UTF8.self) == "luar: 1 lines dropped, the reader is too slow\n")
        #expect(writer.waitingBytes == 0)
    }

    @Test func `a closed pipe ends the output and nothing else`() throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()
        let writer = LineWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor, limit: 100_000, label: "test")
        writer.write("nobody reads this")
        writer.drain()
        #expect(writer.isFull)
        writer.write("nor this")
        writer.drain()
    }

    @Test func `closing writes what waits and then closes the descriptor`() throws {
        let pipe = Pipe()
        let descriptor = dup(pipe.fileHandleForWriting.fileDescriptor)
        try pipe.fileHandleForWriting.close()
        let writer = LineWriter(descriptor: descriptor, limit: 100_000, label: "test")
        writer.write("last words")
        writer.close()
        // The end of input comes only when every descriptor of the pipe's other end is closed.
        #expect(try pipe.fileHandleForReading.readToEnd() == Data("last words\n".utf8))
        #expect(writer.isFull)
        writer.write("too late")
        writer.close()
    }

    @Test func `a descriptor is not closed under a write that hangs`() throws {
        let pipe = Pipe()
        let descriptor = dup(pipe.fileHandleForWriting.fileDescriptor)
        let writer = LineWriter(descriptor: descriptor, limit: 2_000_000, label: "test")
        // More than a pipe holds: the writer's thread waits for a reader.
        let line = String(repeating: "x", count: 9_999)
        for _ in 0..<100 { writer.write(line) }
        writer.close()
        #expect(fcntl(descriptor, F_GETFD) >= 0)
        var count = 0
        while count < 1_000_000 { count += pipe.fileHandleForReading.availableData.count }
        #expect(count == 1_000_000)
    }
}
