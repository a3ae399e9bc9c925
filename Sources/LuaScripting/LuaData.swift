// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// A value that outlives the call it came with: plain data, tables within tables included.
public enum LuaData: Sendable, Equatable {
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([LuaData])
    case map([String: LuaData])
}

/// Memory in which trees are laid out for C, until it has copied them.
final class LuaTreeMemory {
    private var blocks: [UnsafeMutableRawBufferPointer] = []

    deinit { self.removeAll() }

    func removeAll() {
        for block in self.blocks { block.deallocate() }
        self.blocks = []
    }

    /// Writes a table with named entries.
    func write(_ fields: [String: LuaData], to raw: UnsafeMutablePointer<luar_value>) {
        self.write(fields.map { (LuaData.text($0.key), $0.value) }, to: raw)
    }

    /// Copies a text.
    func keep(_ text: String) -> UnsafeRawBufferPointer {
        let bytes = Array(text.utf8)
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
        block.copyBytes(from: bytes)
        self.blocks.append(block)
        return UnsafeRawBufferPointer(rebasing: block[..<bytes.count])
    }

    private func write(_ pairs: [(LuaData, LuaData)], to raw: UnsafeMutablePointer<luar_value>) {
        let size = MemoryLayout<luar_value>.stride
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, 2 * pairs.count) * size, alignment: 8)
        self.blocks.append(block)
        let entries = block.bindMemory(to: luar_value.self)
        entries.initialize(repeating: luar_value())
        guard let base = entries.baseAddress else { return }
        for (index, pair) in pairs.enumerated() {
            self.write(pair.0, to: base + 2 * index)
            self.write(pair.1, to: base + 2 * index + 1)
        }
        raw.pointee.type = CInt(LUAR_TABLE)
        raw.pointee.entries = UnsafePointer(base)
        raw.pointee.count = pairs.count
    }

    func write(_ tree: LuaData, to raw: UnsafeMutablePointer<luar_value>) {
        switch tree {
        case .boolean(let flag): LuaValue.boolean(flag).write(to: raw)
        case .integer(let number): LuaValue.integer(number).write(to: raw)
        case .number(let number): LuaValue.number(number).write(to: raw)
        case .text(let text): LuaValue.bytes(self.keep(text)).write(to: raw)
        case .list(let values): self.write(values.enumerated().map { (.integer(Int64($0 + 1)), $1) }, to: raw)
        case .map(let fields): self.write(fields, to: raw)
        }
    }
}
