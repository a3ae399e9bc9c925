// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// Memory in which a keyed object's entries are laid out for C, until it has copied them.
final class LuaEntryMemory {
    private var values: [luar_value] = []
    /// All strings, one behind the other; where each begins is known by adding up their lengths.
    private var bytes: [UInt8] = []
    private var blocks: [UnsafeMutableRawBufferPointer] = []

    deinit { self.removeAll() }

    func removeAll() {
        for block in self.blocks { block.deallocate() }
        if !self.blocks.isEmpty { self.blocks = [] }
        (self.values, self.bytes) = ([], [])
    }

    /// Copies an entry.
    func add(_ key: LuaValue, _ value: LuaValue) {
        for part in [key, value] {
            var raw = luar_value()
            part.write(to: &raw)
            if case .bytes(let bytes) = part { self.bytes.append(contentsOf: bytes) }
            self.values.append(raw)
        }
    }

    /// Hands over what was added.
    func write(to raw: UnsafeMutablePointer<luar_value>) {
        let text = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, self.bytes.count), alignment: 1)
        text.copyBytes(from: self.bytes)
        let stride = MemoryLayout<luar_value>.stride
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, self.values.count) * stride, alignment: 8)
        self.blocks += [text, block]
        var position = UnsafeRawPointer(text.baseAddress)?.assumingMemoryBound(to: CChar.self)
        for index in self.values.indices where self.values[index].type == CInt(LUAR_STRING) {
            self.values[index].bytes = position
            position = position.map { $0 + self.values[index].count }
        }
        let entries = block.bindMemory(to: luar_value.self)
        _ = entries.initialize(from: self.values)
        raw.pointee.entries = UnsafePointer(entries.baseAddress)
        raw.pointee.count = self.values.count / 2
        (self.values, self.bytes) = ([], [])
    }
}
