// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// Which names a script uses, found in its compiled code without running it.
///
/// So a name is found also in a branch that nobody has ever taken. What is not seen: globals by computed names, and those
/// beyond the first 256 constants of a function.
public struct LuaCode {
    /// A global that is read, with the fields that are read from it at once: `relay.log.info` has three parts.
    public struct Use: Hashable, Sendable {
        /// The names.
        public var path: [String]
        /// The line, from 1.
        public var line: Int
    }

    /// An assignment to a field of something that was not made on the spot.
    public struct Assignment: Hashable, Sendable {
        /// The field.
        public var field: String
        /// The text that is assigned, if it stands in the script.
        public var text: String?
        /// The line, from 1.
        public var line: Int
    }

    /// The names of local variables and parameters.
    public private(set) var locals: Set<String> = []
    /// Texts that stand in it, names among them.
    public private(set) var texts: Set<String> = []
    /// Globals that are read, in the order of the code.
    public private(set) var reads: [Use] = []
    /// Globals that are assigned.
    public private(set) var assignedGlobals: Set<String> = []
    /// Fields that are assigned.
    public private(set) var assignments: Set<Assignment> = []

    /// Compiles a script; nil for one that does not compile, or whose code has a form that is not known here.
    public init?(_ source: LuaSource) {
        let code = source.text.withUnsafeBytes { text in
            luar_compile(text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count)
        }
        defer { luar_discard_code(code) }
        guard let bytes = code.bytes else { return nil }
        var reader = CodeReader(UnsafeBufferPointer(start: bytes, count: code.count))
        guard let main = reader.readChunk() else { return nil }
        self.note(main)
    }

    private mutating func note(_ function: CodeFunction) {
        self.locals.formUnion(function.locals)
        self.texts.formUnion(function.constants.compactMap { $0 })
        // Registers with tables that were made on the spot.
        var made: Set<Int> = []
        for index in function.code.indices {
            let instruction = function.code[index]
            self.note(instruction, at: index, in: function, made)
            switch instruction.operation {
            case .newTable?: made.insert(instruction.a)
            case .setField?, .setTable?, .setIndex?, .setList?, .setGlobal?, .extra?: break
            default: made.remove(instruction.a)
            }
        }
        for inner in function.functions { self.note(inner) }
    }

    private mutating func note(
        _ instruction: CodeFunction.Instruction,
        at index: Int,
        in function: CodeFunction,
        _ made: Set<Int>
    ) {
        switch instruction.operation {
        case .getGlobal?:
            guard function.isGlobals(upvalue: instruction.b), let name = function.text(instruction.c) else { return }
            var use = Use(path: [name], line: function.lines[index])
            // Fields that are read from it right away.
            var next = index + 1
            var register = instruction.a
            while next < function.code.count {
                let field = function.code[next]
                guard field.operation == .getField, field.b == register, let name = function.text(field.c) else {
                    break
                }
                use.path.append(name)
                register = field.a
                next += 1
            }
            self.reads.append(use)
        case .setGlobal?:
            guard function.isGlobals(upvalue: instruction.a), let name = function.text(instruction.b) else { return }
            self.assignedGlobals.insert(name)
        case .setField?:
            guard let name = function.text(instruction.b), !made.contains(instruction.a) else { return }
            let text = instruction.isConstant ? function.text(instruction.c) : nil
            self.assignments.insert(Assignment(field: name, text: text, line: function.lines[index]))
        default: break
        }
    }
}

extension LuaState {
    /// Every name that scripts find: globals, and dotted paths into the tables among them.
    public var names: Set<String> {
        var names: Set<String> = []
        withUnsafeMutablePointer(to: &names) { pointer in
            // The only failure is memory, and then some names are missing.
            _ = luar_names(
                self.state,
                { context, path in
                    guard let path else { return }
                    context?.assumingMemoryBound(to: Set<String>.self).pointee.insert(String(cString: path))
                },
                pointer
            )
        }
        return names
    }
}
