// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import ArgumentParser
internal import LuaScripting
public import RelayCore

/// The options that set limits; their defaults are those of `Limits` and `LuaLimits`.
struct LimitOptions: ParsableArguments {
    private static let relay = Limits()
    private static let lua = LuaLimits()

    @Option(help: ArgumentHelp("The longest message.", valueName: "bytes"))
    var messageLimit = ByteCount(Self.relay.messageBytes)

    @Option(help: ArgumentHelp("What a hook's answer may have beyond the message limit.", valueName: "bytes"))
    var answerExtra = ByteCount(Self.relay.answerExtraBytes)

    @Option(help: ArgumentHelp("The most clients at a time.", valueName: "n"))
    var clientLimit = Count(Self.relay.clients)

    @Option(help: ArgumentHelp("Bytes kept for a client that reads too slowly.", valueName: "bytes"))
    var unsentLimit = ByteCount(Self.relay.unsentBytes)

    @Option(help: ArgumentHelp("What happens beyond that: disconnect or drop.", valueName: "policy"))
    var slowPolicy = Self.relay.slowPolicy

    @Option(help: ArgumentHelp("Unprocessed input of a client; beyond that it is not read.", valueName: "bytes"))
    var inputLimit = ByteCount(Self.relay.inputBytes)

    @Option(help: ArgumentHelp("Output that is collected before it is written.", valueName: "bytes"))
    var tickLimit = ByteCount(Self.relay.tickBytes)

    @Option(help: ArgumentHelp("How long an unfinished line waits for its end, in framing auto.", valueName: "time"))
    var silence = TimeSpan(Self.relay.silence)

    @Option(help: ArgumentHelp("How long a stopping relay waits for unsent bytes to leave.", valueName: "time"))
    var flushTime = TimeSpan(Self.relay.flushTime)

    @Option(help: ArgumentHelp("The longest name of a client, room or dialect.", valueName: "bytes"))
    var nameLimit = ByteCount(Self.relay.nameBytes)

    @Option(help: ArgumentHelp("The most rooms.", valueName: "n"))
    var roomLimit = Count(Self.relay.rooms)

    @Option(help: ArgumentHelp("The most dialects.", valueName: "n"))
    var dialectLimit = Count(Self.relay.dialects)

    @Option(help: ArgumentHelp("Lines that wait for a slow console, and for a slow log.", valueName: "n"))
    var consoleLines = Count(Self.relay.consoleLines)

    @Option(help: ArgumentHelp("Memory of all scripts.", valueName: "bytes"))
    var luaMemory = ByteCount(Self.lua.memory)

    @Option(help: ArgumentHelp("CPU time of all handlers of one message.", valueName: "time"))
    var handlerTime = TimeSpan(Self.lua.handlers.cpuTime)

    @Option(help: ArgumentHelp("Lua instructions of all handlers of one message.", valueName: "n"))
    var handlerInstructions = Count(Int(Self.lua.handlers.instructions))

    @Option(help: ArgumentHelp("CPU time for loading all scripts.", valueName: "time"))
    var loadTime = TimeSpan(Self.lua.loading.cpuTime)

    @Option(help: ArgumentHelp("The most handlers that scripts may register.", valueName: "n"))
    var handlerLimit = Count(Self.relay.handlers)

    @Option(help: ArgumentHelp("Pause a handler that wasted this much by passing limits …", valueName: "time"))
    var pauseAfter = TimeSpan(Self.relay.pauseAfter)

    @Option(help: ArgumentHelp("… within this time …", valueName: "time"))
    var pauseWindow = TimeSpan(Self.relay.pauseWindow)

    @Option(help: ArgumentHelp("… for this long.", valueName: "time"))
    var pauseTime = TimeSpan(Self.relay.pauseTime)

    /// The relay's part.
    var limits: Limits {
        var limits = Limits()
        limits.messageBytes = self.messageLimit.value
        limits.answerExtraBytes = self.answerExtra.value
        limits.clients = self.clientLimit.value
        limits.unsentBytes = self.unsentLimit.value
        limits.slowPolicy = self.slowPolicy
        limits.inputBytes = self.inputLimit.value
        limits.tickBytes = self.tickLimit.value
        limits.silence = self.silence.value
        limits.flushTime = self.flushTime.value
        limits.nameBytes = self.nameLimit.value
        limits.rooms = self.roomLimit.value
        limits.dialects = self.dialectLimit.value
        limits.consoleLines = self.consoleLines.value
        limits.handlers = self.handlerLimit.value
        limits.pauseAfter = self.pauseAfter.value
        limits.pauseWindow = self.pauseWindow.value
        limits.pauseTime = self.pauseTime.value
        return limits
    }

    /// The scripts' part.
    var luaLimits: LuaLimits {
        var limits = LuaLimits()
        limits.memory = self.luaMemory.value
        limits.handlers = .init(cpuTime: self.handlerTime.value, instructions: Int64(self.handlerInstructions.value))
        limits.loading.cpuTime = self.loadTime.value
        return limits
    }
}

extension Limits.SlowPolicy: ExpressibleByArgument {}
