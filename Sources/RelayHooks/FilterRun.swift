// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// A filter beside messages: a text passes through every handler; anything but a text ends it.
final class FilterRun: HookRun {
    /// What became of the text.
    enum Outcome: Equatable {
        case text([UInt8])
        /// A handler answered false.
        case withheld
        /// A handler whose failure counts as false failed or is paused.
        case failed
        /// A handler answered an object.
        case object
    }

    private let hub: Hub
    private let handlers: [Handler]
    private let answer: LuaAnswerShape
    private let text = TickBuffer()
    private var index = 0
    private var ending: Outcome?
    /// Whether the handler that was called last failed.
    private var hasFailed = false

    init(_ hub: Hub, _ handlers: [Handler], answer: LuaAnswerShape, _ text: UnsafeRawBufferPointer) {
        self.hub = hub
        self.handlers = handlers
        self.answer = answer
        self.text.append(text)
    }

    var outcome: Outcome { self.ending ?? .text(Array(self.current)) }

    private var current: UnsafeRawBufferPointer { self.text[0..<self.text.count] }

    var files: Int { Set(self.handlers.map(\.file)).count }

    var handler: CallRecord? { self.index > 0 ? self.handlers[self.index - 1] : nil }

    func next(after answer: LuaValue) -> LuaStep? {
        self.take(answer)
        while self.ending == nil, self.index < self.handlers.count {
            let handler = self.handlers[self.index]
            self.index += 1
            self.hasFailed = false
            if let step = handler.step(self.hub, answer: self.answer, .bytes(self.current)) { return step }
            // Paused: its on_error stands for its answer.
            if handler.onError.isNo { self.ending = .failed }
        }
        return nil
    }

    func noteFailure() { self.hasFailed = true }

    private func take(_ answer: LuaValue) {
        switch answer {
        case .nil: break
        case .bytes(let bytes):
            self.text.reset()
            self.text.append(bytes)
        case .object: self.ending = .object
        default: self.ending = self.hasFailed ? .failed : .withheld
        }
    }
}
