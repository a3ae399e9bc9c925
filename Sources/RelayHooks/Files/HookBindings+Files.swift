// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting

/// A file as a script declared it; its place among those of the engine is the identity of its object.
struct DeclaredFile {
    var file: FileDeclaration
    /// Where that was.
    var script: String
    var line: Int
}

extension HookBindings {
    /// `relay.file(name, {max_bytes=, keep=})`.
    func declareFile(_ arguments: LuaArguments, _ engine: HookEngine, _ types: HookAPI.Types) -> LuaResult {
        guard let loaded = self.loaded, loaded.isLoading else {
            return .failure("relay.file works only while scripts are loaded")
        }
        guard case .bytes(let bytes) = arguments[0], let name = Self.storageName(bytes), name.first != "." else {
            return .failure(
                "relay.file takes a name first, \(Self.namesAllowed), none leading, not \(Self.shown(arguments[0]))"
            )
        }
        // Another file could be called that once it is full.
        guard name.wholeMatch(of: #/.*\.[0-9]+/#) == nil else {
            return .failure("relay.file(\"\(name)\"): an ending of digits is for full files; choose another name")
        }
        var file = FileDeclaration(name: name)
        if let problem = Self.read(arguments[1], into: &file) {
            return .failure("relay.file(\"\(name)\"): \(problem)")
        }
        if let index = loaded.declaredFiles.firstIndex(where: { $0.file.name == name }) {
            let first = loaded.declaredFiles[index]
            guard first.file == file else {
                return .failure(
                    "relay.file(\"\(name)\") has other options than in \(first.script):\(first.line); "
                        + "give both the same, or share the file by require"
                )
            }
            return .value(.object(LuaObject(type: types.file, id: Int64(index))))
        }
        guard loaded.declaredFiles.count < FileDeclaration.most else {
            return .failure("relay.file(\"\(name)\"): the limit of \(FileDeclaration.most) files is reached")
        }
        if let problem = engine.environment.files?.problem(with: file) {
            return .failure("relay.file(\"\(name)\"): \(problem)")
        }
        let (script, line) = loaded.state.caller
        loaded.declaredFiles.append(DeclaredFile(file: file, script: script, line: line))
        return .value(.object(LuaObject(type: types.file, id: Int64(loaded.declaredFiles.count - 1))))
    }

    /// Reads a table of options; returns what is wrong with it, or nil.
    private static func read(_ value: LuaValue, into file: inout FileDeclaration) -> String? {
        guard case .table(let table) = value else {
            if case .nil = value { return nil }
            return "it takes a table of options second, not \(value.described)"
        }
        for index in 0..<table.count {
            let (key, value) = table.entry(index)
            let number = value.wholeNumber.flatMap { Int(exactly: $0) }
            switch key.text ?? "" {
            case "max_bytes":
                guard let number, number >= FileDeclaration.leastBytes else {
                    return "option 'max_bytes' takes \(FileDeclaration.leastBytes) or more, not \(self.shown(value))"
                }
                file.maxBytes = number
            case "keep":
                guard let number, (0...FileDeclaration.mostKept).contains(number) else {
                    return "option 'keep' takes 0 to \(FileDeclaration.mostKept) files, not \(self.shown(value))"
                }
                file.keep = number
            default:
                let name = key.text ?? "[\(key.typeName)]"
                return
                    "unknown option '\(name)'; \(Suggestion.phrase(for: name, among: FileDeclaration.described.map(\.name)))"
            }
        }
        return nil
    }

    /// A text without the line end that it may have; those within it would make lines of their own, so that somebody who can
    /// write into a text could write what looks like another entry.
    private static func line(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        var text = text
        if text.last == 0x0A {
            let isCRLF = text.count > 1 && text[text.count - 2] == 0x0D
            text = UnsafeRawBufferPointer(rebasing: text.dropLast(isCRLF ? 2 : 1))
        }
        var line: [UInt8] = []
        line.reserveCapacity(text.count + 1)
        for (index, byte) in text.enumerated() where byte != 0x0A || index == 0 || text[index - 1] != 0x0D {
            line.append(byte == 0x0A || byte == 0x0D ? 0x20 : byte)
        }
        return line
    }

    /// `file:write(text)`: whether the text was taken.
    func writeToFile(_ arguments: LuaArguments, _ engine: HookEngine) -> LuaResult {
        guard let loaded = self.loaded, case .object(let object) = arguments[0], object.type == loaded.types.file,
            loaded.declaredFiles.indices.contains(Int(object.id))
        else { return .failure("file:write is called with a colon") }
        guard case .bytes(let text) = arguments[1] else {
            return .failure("file:write takes a string, not \(arguments[1].described)")
        }
        var line = Self.line(text)
        line.append(0x0A)
        let file = loaded.declaredFiles[Int(object.id)].file
        // A load that fails in the end has written nothing.
        let isTaken = loaded.isLoading ? loaded.hold(line, for: file) : engine.write(line, to: file)
        return .value(.boolean(isTaken))
    }
}

extension HookEngine {
    /// Writes a line to a file, and counts whether it was taken.
    func write(_ line: [UInt8], to file: FileDeclaration) -> Bool {
        let isTaken = self.environment.files?.write(line, to: file) ?? true
        if isTaken { self.counts.fileLines.taken += 1 } else { self.counts.fileLines.dropped += 1 }
        return isTaken
    }
}
