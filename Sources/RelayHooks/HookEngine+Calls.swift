// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import LuaScripting
internal import RelayCore

/// The hooks of an event that are being called, one after the other.
struct HookStage {
    let list: HookList
    /// Whose text it is about, if anybody's.
    let source: WasteSource?
    fileprivate(set) var calls: LuaCalls
    /// Whether a hook failed or is paused, and none has answered since.
    fileprivate(set) var hasFailed = false

    /// Prepares the calls.
    ///
    /// - Parameters:
    ///   - list: The hooks.
    ///   - source: Whose text it is about, if anybody's.
    ///   - schema: What they may answer; nil if answers are ignored.
    ///   - first: Their first argument.
    ///   - second: Their second argument.
    init(
        _ list: HookList,
        from source: WasteSource? = nil,
        _ schema: LuaAnswerSchema?,
        _ first: LuaValue? = nil,
        _ second: LuaValue? = nil
    ) {
        self.list = list
        self.source = source
        self.calls = LuaCalls(list.hooks, schema: schema, first, second)
    }

    /// The hook that was called last, if any was.
    var last: CallRecord? { self.calls.next > 0 ? self.list.records[self.calls.next - 1] : nil }

    /// Leaves out the hooks up to one of them, and that one.
    mutating func skip(to record: CallRecord) {
        guard let place = self.list.records.firstIndex(where: { $0 === record }) else {
            preconditionFailure("the hook is none of this event")
        }
        while self.calls.next <= place { self.calls.skip() }
    }

    /// Gives the hooks that are still to be called another first argument.
    mutating func setFirst(_ value: LuaValue) { self.calls.setFirst(value) }
}

/// What calling the hooks of a stage has come to.
enum HookAnswer {
    /// All were called, and none has answered anything but nil.
    case none
    /// One has answered; those after it are not called yet. Borrowed until hooks are called again.
    case value(LuaValue)
    /// One failed or is paused, and that counts as `false`; those after it are not called yet.
    case failure(of: CallRecord, wasCalled: Bool)
}

extension HookEngine {
    /// Runs hooks, all on one budget.
    ///
    /// - Parameters:
    ///   - files: How many script files have hooks among them.
    ///   - subject: What they are asked about.
    ///   - body: Calls them, by ``next(_:)``.
    /// - Returns: What `body` returns.
    func run<Result>(files: Int, about subject: HookSubject? = nil, _ body: () -> Result) -> Result {
        let loaded = self.loaded
        precondition(!loaded.isRunning, "hooks were run from within a hook")
        loaded.isRunning = true
        loaded.runs &+= 1
        loaded.isMeasuring = loaded.runs <= HookCost.firstRuns || loaded.runs % HookCost.measuredRuns == 0
        if let subject { self.subject = subject }
        loaded.state.beginRun(files: files)
        let result = body()
        loaded.state.endRun()
        if subject != nil { self.subject = HookSubject() }
        loaded.isRunning = false
        return result
    }

    /// Calls the hooks of a stage in order until one answers, or fails in a way that counts as `false`.
    ///
    /// Called again, it goes on with the next one. Failures are logged and accounted for, and hooks that are paused left out.
    func next(_ stage: inout HookStage) -> HookAnswer {
        var includesHeld = false
        while true {
            let outcome = self.call(&stage, includingHeld: includesHeld)
            if includesHeld { self.noteRecovery(of: stage.list.records[stage.calls.next - 1], outcome) }
            includesHeld = false
            switch outcome {
            case .called:
                // A held hook is called by itself.
                guard stage.calls.next < stage.list.records.count else { return .none }
            case .answered(let value):
                stage.hasFailed = false
                return .value(value)
            case .held:
                let record = stage.list.records[stage.calls.next]
                guard record.pause.isPaused(at: self.environment.uptime()) else {
                    record.callable.isHeld = record.isFailing
                    includesHeld = true
                    continue
                }
                stage.calls.skip()
                stage.hasFailed = true
                if record.onError.isNo, !stage.calls.ignoresAnswers { return .failure(of: record, wasCalled: false) }
            case .failed(let error):
                let record = stage.list.records[stage.calls.next - 1]
                self.note(error, of: record, from: stage.source)
                stage.hasFailed = true
                if record.onError.isNo, !stage.calls.ignoresAnswers { return .failure(of: record, wasCalled: true) }
            }
        }
    }

    /// Calls hooks, and measures each by itself in some of the runs.
    private func call(_ stage: inout HookStage, includingHeld: Bool) -> LuaOutcome {
        let loaded = self.loaded
        guard loaded.isMeasuring || includingHeld else { return loaded.state.call(&stage.calls) }
        var includesHeld = includingHeld
        while true {
            let place = stage.calls.next
            let (time, memory) = (LuaState.cpuTime, loaded.state.memory)
            let outcome = loaded.state.call(&stage.calls, atMost: 1, includingHeld: includesHeld)
            if stage.calls.next > place {
                stage.list.records[place].cost
                    .note(nanoseconds: LuaState.cpuTime - time, memory: max(0, loaded.state.memory - memory))
            }
            includesHeld = false
            // Who included a held hook wants to know what became of it.
            guard case .called = outcome, !includingHeld, stage.calls.next < stage.list.records.count else {
                return outcome
            }
        }
    }

    // MARK: Events beside messages

    /// Calls the hooks of a notification.
    func notify(
        _ event: HookEvent,
        about subject: HookSubject = HookSubject(),
        _ first: LuaValue? = nil,
        _ second: LuaValue? = nil
    ) {
        let list = self.loaded.lists[event]
        guard !list.isEmpty else { return }
        self.hub.runPolicy {
            self.run(files: list.hooks.fileCount, about: subject) {
                var stage = HookStage(list, nil, first, second)
                _ = self.next(&stage)
            }
        }
    }

    /// Asks the hooks of a question, and passes the answer, if there is one, to `use` while its bytes are valid.
    ///
    /// - Returns: Whether a hook failed or is paused, and no other has answered.
    @discardableResult
    func ask(
        _ list: HookList,
        about subject: HookSubject = HookSubject(),
        from source: WasteSource? = nil,
        _ schema: LuaAnswerSchema,
        _ first: LuaValue,
        _ second: LuaValue? = nil,
        _ use: (LuaValue) -> Void
    ) -> Bool {
        guard !list.isEmpty else { return false }
        return self.run(files: list.hooks.fileCount, about: subject) {
            var stage = HookStage(list, from: source, schema, first, second)
            switch self.next(&stage) {
            case .none: break
            case .value(let value): use(value)
            case .failure: use(.boolean(false))
            }
            return stage.hasFailed
        }
    }

    /// Calls a function that no event has: a timer's, or one that is told a result.
    func call(_ timer: ScriptTimer) {
        timer.record.callable.function = timer.function
        self.hub.runPolicy {
            self.run(files: 1) {
                var stage = HookStage(HookList([timer.record]), nil, timer.argument.map { .boolean($0) })
                _ = self.next(&stage)
            }
        }
    }

    /// Asks the console's hooks about an event and writes their lines.
    func show(_ event: ConsoleEvent, about subject: HookSubject = HookSubject()) {
        guard let console = self.environment.console else { return }
        guard !console.isFull else { return console.skip() }
        let loaded = self.loaded
        var subject = subject
        subject.console = event
        let object = LuaValue.object(LuaObject(type: loaded.types.console, id: 0))
        self.ask(loaded.lists[.console], about: subject, loaded.schemas.console, object) { console.write($0) }
    }
}

extension ConsoleOutput {
    /// Writes a line, or each of a list of lines.
    func write(_ answer: LuaValue) {
        switch answer {
        case .bytes(let line): self.write(line)
        case .table(let list):
            for index in 0..<list.count {
                if case .bytes(let line) = list.entry(index).value { self.write(line) }
            }
        default: break
        }
    }
}
