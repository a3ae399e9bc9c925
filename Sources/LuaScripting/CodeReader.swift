// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// A function as Lua's compiler leaves it.
struct CodeFunction {
    /// One instruction: an operation and three operands (Lua 5.4, lopcodes.h, format iABC).
    struct Instruction {
        /// The operations that matter here, by their numbers in Lua 5.4.
        enum Operation: UInt32 {
            /// `a = upvalue[b][constant c]`
            case getGlobal = 11
            /// `a = b[constant c]`
            case getField = 14
            /// `upvalue[a][constant b] = c`
            case setGlobal = 15
            /// `a[…] = …`, by any key
            case setTable = 16
            /// `a[…] = …`, by an integer
            case setIndex = 17
            /// `a[constant b] = c`
            case setField = 18
            /// `a = {}`
            case newTable = 19
            /// `a[…], … = …`, a list
            case setList = 78
            /// More bits for the instruction before.
            case extra = 82
        }

        var bits: UInt32

        var operation: Operation? { Operation(rawValue: self.bits & 0x7F) }
        var a: Int { Int(self.bits >> 7 & 0xFF) }
        var b: Int { Int(self.bits >> 16 & 0xFF) }
        var c: Int { Int(self.bits >> 24) }
        /// Whether `c` is a constant's number.
        var isConstant: Bool { self.bits >> 15 & 1 == 1 }
    }

    var code: [Instruction] = []
    /// The line of each instruction.
    var lines: [Int] = []
    /// Texts among the constants; nil in the places of the others.
    var constants: [String?] = []
    /// The names of its variables and parameters.
    var locals: [String] = []
    /// The names of what it takes from around it.
    var upvalues: [String] = []
    var functions: [CodeFunction] = []

    func text(_ constant: Int) -> String? {
        self.constants.indices.contains(constant) ? self.constants[constant] : nil
    }

    /// Whether an upvalue is the table of globals.
    func isGlobals(upvalue: Int) -> Bool {
        self.upvalues.indices.contains(upvalue) && self.upvalues[upvalue] == "_ENV"
    }
}

/// Reads the form in which `lua_dump` writes code (Lua 5.4, ldump.c).
struct CodeReader {
    private var rest: UnsafeBufferPointer<UInt8>.SubSequence

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.rest = bytes[...] }

    /// The main function; nil if this is no code of Lua 5.4 with the usual numbers.
    mutating func readChunk() -> CodeFunction? {
        let header: [UInt8] = [0x1B, 0x4C, 0x75, 0x61, 0x54, 0, 0x19, 0x93, 0x0D, 0x0A, 0x1A, 0x0A, 4, 8, 8]
        guard self.bytes(header.count)?.elementsEqual(header) == true else { return nil }
        // An integer and a number by which byte orders are told apart, and how many upvalues there are.
        guard self.integer(8) == 0x5678, self.bytes(8) != nil, self.bytes(1) != nil else { return nil }
        return self.readFunction()
    }

    private mutating func readFunction() -> CodeFunction? {
        var function = CodeFunction()
        // Its source, its last line, its parameters and registers say nothing about names.
        guard self.string() != nil, let firstLine = self.size(), self.size() != nil, self.bytes(3) != nil,
            let codes = self.list({ $0.integer(4) }), let constants = self.list({ $0.constant() }),
            let upvalues = self.list({ $0.bytes(3) }), let functions = self.list({ $0.readFunction() }),
            let steps = self.list({ $0.bytes(1)?.first }), let marks = self.list({ $0.mark() }),
            let locals = self.list({ $0.local() }), let names = self.list({ $0.string() }),
            names.count == upvalues.count
        else { return nil }
        function.code = codes.map { CodeFunction.Instruction(bits: UInt32(truncatingIfNeeded: $0)) }
        function.constants = constants
        function.functions = functions
        function.locals = locals
        function.upvalues = names
        var line = firstLine
        let absolute = Dictionary(marks, uniquingKeysWith: { first, _ in first })
        for (index, step) in steps.enumerated() {
            // A line is told by its distance from the last, and by itself where that is too far.
            line = absolute[index] ?? line + Int(Int8(bitPattern: step))
            function.lines.append(line)
        }
        return function.lines.count == function.code.count ? function : nil
    }

    /// A constant's text; nil in the inner optional for one that is no text.
    private mutating func constant() -> String?? {
        switch self.bytes(1)?.first {
        case 0x00?, 0x01?, 0x11?: .some(nil)
        case 0x03?, 0x13?: self.bytes(8) == nil ? nil : .some(nil)
        case 0x04?, 0x14?: self.string().map { .some($0) }
        default: nil
        }
    }

    /// An instruction's number and its line.
    private mutating func mark() -> (Int, Int)? {
        guard let index = self.size(), let line = self.size() else { return nil }
        return (index, line)
    }

    /// A variable's name; where it begins and ends says nothing about names.
    private mutating func local() -> String? {
        guard let name = self.string(), self.size() != nil, self.size() != nil else { return nil }
        return name
    }

    private mutating func list<Element>(_ read: (inout CodeReader) -> Element?) -> [Element]? {
        guard let count = self.size() else { return nil }
        var list: [Element] = []
        for _ in 0..<count {
            guard let element = read(&self) else { return nil }
            list.append(element)
        }
        return list
    }

    /// Seven bits a byte, the highest first; the last byte is marked.
    private mutating func size() -> Int? {
        var size = 0
        while let byte = self.bytes(1)?.first, size < 1 << 48 {
            size = size << 7 | Int(byte & 0x7F)
            if byte & 0x80 != 0 { return size }
        }
        return nil
    }

    /// A string after its size and one; none at all is empty.
    private mutating func string() -> String? {
        guard let size = self.size() else { return nil }
        guard size > 0 else { return "" }
        return self.bytes(size - 1).map { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func integer(_ count: Int) -> UInt64? {
        guard let bytes = self.bytes(count) else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func bytes(_ count: Int) -> UnsafeBufferPointer<UInt8>.SubSequence? {
        guard count <= self.rest.count else { return nil }
        defer { self.rest = self.rest.dropFirst(count) }
        return self.rest.prefix(count)
    }
}
