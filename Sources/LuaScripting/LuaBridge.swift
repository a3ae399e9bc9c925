// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CLua

/// Carries C's callbacks to a host and the host's results back to C.
///
/// The state owns the bridge, so the unretained pointer in `luar_host.context` is valid in each of them.
final class LuaBridge {
    /// Unsafe because it is followed several times a message; safe because the host owns the state, which owns the
    /// bridge, and no callback comes after the state is closed.
    private unowned(unsafe) let host: any LuaHost
    /// Memory for texts and lists made for one answer; C has copied them before the next callback comes.
    private static let mostScratch = 1 << 20
    private var scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 8)

    /// The same for tables within tables.
    private let trees = LuaTreeMemory()
    /// And for the entries of a keyed object.
    private let entries = LuaEntryMemory()

    init(host: any LuaHost) {
        self.host = host
    }

    deinit {
        self.scratch.deallocate()
    }

    var callbacks: luar_host {
        luar_host(
            context: Unmanaged.passUnretained(self).toOpaque(),
            get: { context, object, field, key, result in
                guard let context, let object, let result else { return 1 }
                return LuaBridge.with(context) { $0.get(object, field, key, result) }
            },
            set: { context, object, field, key, value, result in
                guard let context, let object, let value, let result else { return 1 }
                return LuaBridge.with(context) { $0.set(object, field, key, value, result) }
            },
            call: { context, function, arguments, count, result in
                guard let context, let result else { return 1 }
                let arguments = LuaArguments(base: arguments, count: Int(count))
                return LuaBridge.with(context) { $0.write($0.host.call(Int(function), arguments), to: result) }
            },
            judge: { context, answer, result in
                guard let context, let answer, let result else { return 1 }
                return LuaBridge.with(context) { bridge in
                    bridge.host.refusal(of: LuaValue(answer)).map { bridge.write(.failure($0), to: result) } ?? 0
                }
            },
            find: { context, name, source, result in
                guard let context, let name, let source, let result else { return 1 }
                return LuaBridge.with(context) { $0.find(name, source, result) }
            }
        )
    }

    private static func with(_ context: UnsafeMutableRawPointer, _ body: (LuaBridge) -> CInt) -> CInt {
        Unmanaged<LuaBridge>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
    }

    private func get(
        _ object: UnsafePointer<luar_value>,
        _ field: CInt,
        _ key: UnsafePointer<luar_value>?,
        _ result: UnsafeMutablePointer<luar_value>
    ) -> CInt {
        guard case .object(let object) = LuaValue(object) else { return 1 }
        if field >= 0 { return self.write(self.host.get(Int(field), of: object), to: result) }
        let key = key.map { LuaValue($0) } ?? .nil
        self.entries.removeAll()
        switch Int(field) {
        case LUAR_ENTRY: return self.write(self.host.entry(key, of: object), to: result)
        case LUAR_COUNT: return self.write(.value(.integer(Int64(self.host.entryCount(of: object)))), to: result)
        case LUAR_LISTING_COST:
            return self.write(.value(.integer(Int64(self.host.listingCost(of: object)))), to: result)
        case LUAR_LISTING:
            self.host.listEntries(of: object) { self.entries.add($0, $1) }
            self.entries.write(to: result)
            return 0
        default: return self.write(.failure(self.host.explain(missing: key, in: object.type)), to: result)
        }
    }

    private func set(
        _ object: UnsafePointer<luar_value>,
        _ field: CInt,
        _ key: UnsafePointer<luar_value>?,
        _ value: UnsafePointer<luar_value>,
        _ result: UnsafeMutablePointer<luar_value>
    ) -> CInt {
        guard case .object(let object) = LuaValue(object) else { return 1 }
        let value = LuaValue(value)
        let problem =
            key.map { self.host.setEntry(LuaValue($0), of: object, to: value) }
            ?? self.host.set(Int(field), of: object, to: value)
        guard let problem else { return 0 }
        return self.write(.failure(problem), to: result)
    }

    private func find(
        _ name: UnsafePointer<luar_value>,
        _ source: UnsafeMutablePointer<luar_source>,
        _ result: UnsafeMutablePointer<luar_value>
    ) -> CInt {
        switch self.host.find(LuaValue(name).text ?? "") {
        case .failure(let missing):
            return self.write(.failure(missing.reason), to: result)
        case .success(let found):
            // One buffer for all three: key, then the name with its terminator, then the text.
            let key = Array(found.key.utf8)
            let name = Array("@\(found.name)".utf8) + [0]
            let all = self.fill(key.count + name.count + found.text.count) { target in
                target.copyBytes(from: key)
                UnsafeMutableRawBufferPointer(rebasing: target[key.count...]).copyBytes(from: name)
                UnsafeMutableRawBufferPointer(rebasing: target[(key.count + name.count)...]).copyBytes(from: found.text)
            }
            guard let base = all.baseAddress?.assumingMemoryBound(to: CChar.self) else { return 1 }
            source.pointee.key = base
            source.pointee.key_count = key.count
            source.pointee.chunk = base + key.count
            source.pointee.text = base + key.count + name.count
            source.pointee.count = found.text.count
            return 0
        }
    }

    /// Writes a result for C and returns its code.
    private func write(_ result: LuaResult, to raw: UnsafeMutablePointer<luar_value>) -> CInt {
        switch result {
        case .value(let value):
            value.write(to: raw)
            return 0
        case .text(let text):
            LuaValue.bytes(self.copy(text)).write(to: raw)
            return 0
        case .bytes(let bytes):
            LuaValue.bytes(self.fill(bytes.count) { $0.copyBytes(from: bytes) }).write(to: raw)
            return 0
        case .object(let type, let id, let payload):
            let copy = self.fill(payload.count) { $0.copyBytes(from: payload) }
            LuaValue.object(LuaObject(type: type, id: id, payload: copy)).write(to: raw)
            return 0
        case .objects(let type, let ids):
            let copy = self.fill(ids.count * MemoryLayout<Int64>.stride) { target in
                ids.withUnsafeBytes { target.copyMemory(from: $0) }
            }
            raw.pointee.type = CInt(LUAR_OBJECTS)
            raw.pointee.object_type = type.number
            raw.pointee.ids = copy.baseAddress?.assumingMemoryBound(to: Int64.self)
            raw.pointee.count = ids.count
            return 0
        case .record(let name, let fields):
            self.trees.removeAll()
            self.trees.write(fields, to: raw)
            raw.pointee.bytes = self.trees.keep(name + "\0").baseAddress?.assumingMemoryBound(to: CChar.self)
            return 0
        case .table(let tree):
            self.trees.removeAll()
            self.trees.write(tree, to: raw)
            return 0
        case .argument(let index):
            raw.pointee.type = CInt(LUAR_ARGUMENT)
            raw.pointee.integer = Int64(index)
            return 0
        case .failure(let reason):
            LuaValue.bytes(self.copy(reason)).write(to: raw)
            return 1
        }
    }

    private func copy(_ text: String) -> UnsafeRawBufferPointer {
        var text = text
        return text.withUTF8 { bytes in
            self.fill(bytes.count) { $0.copyMemory(from: UnsafeRawBufferPointer(bytes)) }
        }
    }

    /// Lends `count` bytes of scratch to `body` and returns them filled.
    private func fill(_ count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) -> UnsafeRawBufferPointer {
        // A script that once had a large text made keeps no memory by that.
        let isTooLarge = self.scratch.count > Self.mostScratch && count <= Self.mostScratch
        if isTooLarge {
            self.scratch.deallocate()
            self.scratch = .allocate(byteCount: max(count, 256), alignment: 8)
        } else if count > self.scratch.count {
            self.scratch.deallocate()
            self.scratch = .allocate(byteCount: max(count, 2 * self.scratch.count), alignment: 8)
        }
        let part = UnsafeMutableRawBufferPointer(rebasing: self.scratch[..<count])
        body(part)
        return UnsafeRawBufferPointer(part)
    }
}
