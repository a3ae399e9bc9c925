// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Logging
internal import LuaScripting
public import RelayCore

extension HookEngine {
    /// Asks the `admit` hooks.
    public func admit(_ client: Client, _ text: UnsafeRawBufferPointer?) -> Admission {
        let resumption = self.pending.takeResumption(of: client.id)
        if resumption == nil { self.observers.onAdmissionRequest?(client, text) }
        if !self.failures.refusedSenders.isEmpty,
            self.failures.refusedSenders.isRefused(host: client.origin.host, at: self.environment.uptime())
        {
            return .refuse(nil)
        }
        let source = WasteSource.host(client.origin.host)
        var place: CallRecord? = if case .after(let record)? = resumption { record } else { nil }
        while true {
            switch self.askAdmit(client, text, after: place, from: source) {
            case .answered(let admission): return admission
            case .noOpinion(let record): place = record
            }
        }
    }

    /// What `admit` hooks have come to.
    private enum AdmitAnswer {
        case answered(Admission)
        /// This one has no opinion, by a pending answer; those after it are not asked yet.
        case noOpinion(CallRecord)
    }

    /// Asks the `admit` hooks after one of them, or all.
    private func askAdmit(
        _ client: Client,
        _ text: UnsafeRawBufferPointer?,
        after record: CallRecord?,
        from source: WasteSource
    ) -> AdmitAnswer {
        let list = self.loaded.lists[.admit]
        guard !list.isEmpty else { return .answered(.letIn) }
        var subject = HookSubject()
        subject.admission = (client, text)
        var answered: AdmitAnswer?
        var answerer: CallRecord?
        self.run(files: list.hooks.fileCount, about: subject) {
            let schema = self.loaded.schemas.admit
            var stage = HookStage(list, from: source, schema, self.object(client), text.map { .bytes($0) })
            if let record { stage.skip(to: record) }
            switch self.next(&stage) {
            case .none: return
            case .value(.bytes(let question)): answered = .answered(.prompt(self.keep(question)))
            case .value(.refusal(let reason)): answered = .answered(.refuse(self.keep(reason)))
            case .value(.object(let object)): answered = self.answer(of: object, client)
            case .value, .failure: answered = .answered(.refuse(nil))
            }
            answerer = stage.last
        }
        let forgetful = self.pending.removeForgotten(of: client.id, by: answerer)
        for maker in forgetful { self.noteForgotten(maker, from: source) }
        // Its failure counts before what the hooks behind it have answered.
        if forgetful.contains(where: { $0.record.onError.isNo }) {
            self.pending.remove(client: client.id)
            return .answered(.refuse(nil))
        }
        return answered ?? .answered(.letIn)
    }

    /// Counts it as a failure that a hook made a pending answer and did not return it: whom it was to keep waiting would
    /// come in.
    private func noteForgotten(_ maker: PendingAnswers.Maker, from source: WasteSource) {
        let place = "\(maker.script):\(maker.line)"
        let message = "\(place): the hook must return what relay.pending answers; it returned nothing"
        let error = LuaError(kind: .error, message: message, script: maker.script, line: maker.line)
        self.note(error, of: maker.record, from: source)
    }

    /// What a pending answer that `admit` answered says.
    private func answer(of object: LuaObject, _ client: Client) -> AdmitAnswer {
        switch self.pending.noteReturned(object.id, for: client) {
        case .answer(.noOpinion, let maker): return .noOpinion(maker.record)
        case .answer(.prompt(let question), _): return .answered(.prompt(question.withUnsafeBytes { self.keep($0) }))
        case .answer(.refuse(let words), _):
            return .answered(.refuse(words.map { words in words.withUnsafeBytes { self.keep($0) } }))
        case .later:
            self.observers.onTimers?()
            return .answered(.later)
        case .invalid:
            self.warn("client refused: admit answered with a pending answer that is not this client's", about: client)
            return .answered(.refuse(nil))
        }
    }

    /// Refuses clients about whom nothing was answered in time.
    func refuseOverdue() {
        for client in self.pending.removeOverdue(at: self.environment.uptime()) {
            self.warn("client refused: no answer came in time", about: client)
            self.hub.decide(client, .refuse(nil))
        }
    }

    /// Asks the hooks about the clients whom scripts that were replaced have not answered.
    func askPendingAgain() {
        for entry in self.pending.replaceAll() { self.hub.decide(entry.client, .ask(entry.text)) }
    }

    private func warn(_ reason: String, about client: Client) {
        guard let unlogged = self.failures.log.admit(reason, at: self.environment.uptime()) else { return }
        var metadata: Logger.Metadata = ["client.address": "\(client.address.string)"]
        metadata.note(unlogged: unlogged)
        self.environment.logger.warning("\(reason)", metadata: metadata)
    }
}

extension HookBindings {
    /// `relay.pending(seconds)`.
    func makePending(_ arguments: LuaArguments, _ engine: HookEngine, _ loaded: LoadedScripts) -> LuaResult {
        guard let (client, text) = engine.subject.admission else {
            return .failure("relay.pending works only in an admit hook, which answers with it")
        }
        let seconds: Double
        switch arguments[0] {
        case .nil: seconds = PendingAnswers.usualTime
        case .integer(let number): seconds = Double(number)
        case .number(let number): seconds = number
        default: return .failure("relay.pending takes a number of seconds, not \(arguments[0].described)")
        }
        guard seconds > 0, seconds <= PendingAnswers.longestTime else {
            let longest = Int(PendingAnswers.longestTime)
            return .failure(
                "relay.pending takes more than 0 and up to \(longest) seconds, not \(Self.shown(arguments[0]))"
            )
        }
        guard let record = loaded.lists[.admit].records.first(where: { loaded.state.isRunning($0.callable) }) else {
            return .failure("relay.pending works only in an admit hook, which answers with it")
        }
        let (script, line) = loaded.state.caller
        let number = engine.pending.add(
            client,
            text.map { Array($0) },
            by: PendingAnswers.Maker(record: record, script: script, line: line),
            until: engine.environment.uptime() + seconds
        )
        return .value(.object(LuaObject(type: loaded.types.pending, id: number)))
    }

    /// `pending:answer(answer, reason)`: whether it still counted.
    func givePending(_ arguments: LuaArguments, _ engine: HookEngine, _ loaded: LoadedScripts) -> LuaResult {
        guard case .object(let object) = arguments[0], object.type == loaded.types.pending else {
            return .failure("pending:answer is called with a colon")
        }
        let longest = engine.hub.limits.answerBytes
        let text = { (value: LuaValue) -> [UInt8]? in
            guard case .bytes(let bytes) = value, bytes.count <= longest else { return nil }
            return Array(bytes)
        }
        let answer: PendingAnswers.Answer
        switch (arguments[1], arguments[2]) {
        case (.nil, .nil): answer = .noOpinion
        case (.boolean(false), .nil): answer = .refuse(nil)
        case (.boolean(false), .bytes), (.bytes, .nil):
            guard let words = text(arguments[1]) ?? text(arguments[2]) else {
                return .failure("pending:answer was given more bytes than the limit of \(longest)")
            }
            if case .bytes = arguments[1] { answer = .prompt(words) } else { answer = .refuse(words) }
        default:
            return .failure("pending:answer takes what admit may answer: a string to ask, false and a reason, or nil")
        }
        switch engine.pending.give(answer, to: object.id) {
        case .tooLate: return .value(.boolean(false))
        case .kept: return .value(.boolean(true))
        case .decides(let client, let admission): return .value(.boolean(engine.hub.decide(client, admission)))
        }
    }
}
