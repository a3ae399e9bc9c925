// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// A sequence of handler calls: takes each answer and names the next call.
protocol HookRun: AnyObject {
    /// - Parameter answer: What the last handler answered; `.nil` before the first.
    /// - Returns: The next call, or nil at the end.
    func next(after answer: LuaValue) -> LuaStep?

    /// The record of the last call.
    var handler: CallRecord? { get }

    /// How many script files have handlers in it: each has a share of the reserve.
    var files: Int { get }

    /// Whose text it is about, if anybody's.
    var source: WasteSource? { get }

    /// Takes note that the last handler failed; ``next(after:)`` gets what it counts as.
    func noteFailure()
}

extension HookRun {
    /// One file.
    var files: Int { 1 }
    /// Nobody's.
    var source: WasteSource? { nil }
    /// Not of interest.
    func noteFailure() {}
}

extension Handler {
    /// The step that calls the handler; nil if it is paused, which counts as its `on_error` says.
    func step(_ hub: Hub, answer: LuaAnswerShape?, _ first: LuaValue?, _ second: LuaValue? = nil) -> LuaStep? {
        // A handler that was never paused costs no look at the clock.
        if self.pause.until > 0, self.pause.isPaused(at: hub.clock()) { return nil }
        self.calls &+= 1
        return LuaStep(
            self.function,
            file: self.file,
            hasSpareMemory: self.hasSpareMemory,
            answer: answer,
            first,
            second
        )
    }
}

/// One event that is not a message: a notice, or a question whose answer goes to `use`.
final class EventRun: HookRun {
    private let hub: Hub
    private let handlers: [Handler]
    private let answer: LuaAnswerShape?
    private let first: LuaValue?
    private let second: LuaValue?
    private let use: (LuaValue) -> Void
    private var index = 0
    let source: WasteSource?
    /// Whether one at least failed, or is paused, and no other has answered.
    private(set) var hasFailed = false
    /// Whether the answer that comes next is what a failure counts as.
    private var isFailure = false

    init(
        _ hub: Hub,
        _ handlers: [Handler],
        source: WasteSource? = nil,
        answer: LuaAnswerShape?,
        _ first: LuaValue?,
        _ second: LuaValue?,
        _ use: @escaping (LuaValue) -> Void = { _ in }
    ) {
        self.hub = hub
        self.handlers = handlers
        self.source = source
        self.answer = answer
        self.first = first
        self.second = second
        self.use = use
    }

    var handler: CallRecord? { self.index > 0 ? self.handlers[self.index - 1] : nil }

    var files: Int { self.handlers.count == 1 ? 1 : Set(self.handlers.map(\.file)).count }

    func noteFailure() {
        self.hasFailed = true
        self.isFailure = true
    }

    func next(after answer: LuaValue) -> LuaStep? {
        if self.answer != nil {
            guard case .nil = answer else {
                if !self.isFailure { self.hasFailed = false }
                self.use(answer)
                return nil
            }
        }
        self.isFailure = false
        while self.index < self.handlers.count {
            let handler = self.handlers[self.index]
            self.index += 1
            if let step = handler.step(self.hub, answer: self.answer, self.first, self.second) { return step }
            self.hasFailed = true
            if self.answer != nil, handler.onError.isNo {
                self.use(.boolean(false))
                return nil
            }
        }
        return nil
    }
}

/// One call of a function that no event has: a timer's, or one that is told a result.
final class CallbackRun: HookRun {
    private let record: CallRecord
    private let function: LuaFunction
    private let argument: LuaValue?
    private var isCalled = false

    init(_ timer: ScriptTimer) {
        self.record = timer.record
        self.function = timer.function
        self.argument = timer.argument.map { .boolean($0) }
    }

    var handler: CallRecord? { self.isCalled ? self.record : nil }

    func next(after answer: LuaValue) -> LuaStep? {
        guard !self.isCalled else { return nil }
        self.isCalled = true
        self.record.calls &+= 1
        return LuaStep(self.function, answer: nil, self.argument)
    }
}
