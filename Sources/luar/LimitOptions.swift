// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

public import ArgumentParser
internal import LuaScripting
public import RelayCore

/// The options that set limits; their defaults are those of `Limits` and `LuaLimits`.
struct LimitOptions: ParsableArguments {
    private static let relay = Limits()
    private static let lua = LuaLimits()

    /// The help of a limit, with its default: options that are read by a closure do not show it by themselves.
    private static func help(_ text: String, _ value: some CustomStringConvertible, _ name: String) -> ArgumentHelp {
        ArgumentHelp("\(text) (default: \(value))", valueName: name)
    }

    @Option(
        help: Self.help("The longest message.", ByteCount(Self.relay.messageBytes), "bytes"),
        transform: ByteCount.parse
    )
    var messageLimit = ByteCount(Self.relay.messageBytes)

    @Option(
        help: Self.help(
            "What a hook's answer may have beyond the message limit.",
            ByteCount(Self.relay.answerExtraBytes),
            "bytes"
        ),
        transform: ByteCount.parse
    )
    var answerExtra = ByteCount(Self.relay.answerExtraBytes)

    @Option(help: Self.help("The most clients at a time.", Count(Self.relay.clients), "n"), transform: Count.parse)
    var clientLimit = Count(Self.relay.clients)

    @Option(
        help: Self.help("Bytes kept for a client that reads too slowly.", ByteCount(Self.relay.unsentBytes), "bytes"),
        transform: ByteCount.parse
    )
    var unsentLimit = ByteCount(Self.relay.unsentBytes)

    @Option(help: ArgumentHelp("What happens beyond that: disconnect or drop.", valueName: "policy"))
    var slowPolicy = Self.relay.slowPolicy

    @Option(
        help: Self.help(
            "Unprocessed input of a client; beyond that it is not read.",
            ByteCount(Self.relay.inputBytes),
            "bytes"
        ),
        transform: ByteCount.parse
    )
    var inputLimit = ByteCount(Self.relay.inputBytes)

    @Option(
        help: Self.help("Output that is collected before it is written.", ByteCount(Self.relay.tickBytes), "bytes"),
        transform: ByteCount.parse
    )
    var tickLimit = ByteCount(Self.relay.tickBytes)

    @Option(
        help: Self.help(
            "Output of a tick; beyond it scripts may send no more.",
            ByteCount(Self.relay.outputBytes),
            "bytes"
        ),
        transform: ByteCount.parse
    )
    var outputLimit = ByteCount(Self.relay.outputBytes)

    @Option(
        help: Self.help(
            "How long an unfinished line waits for its end, in framing auto.",
            TimeSpan(Self.relay.silence),
            "time"
        ),
        transform: TimeSpan.parse
    )
    var silence = TimeSpan(Self.relay.silence)

    @Option(
        help: Self.help(
            "How long a stopping relay waits for unsent bytes to leave.",
            TimeSpan(Self.relay.flushTime),
            "time"
        ),
        transform: TimeSpan.parse
    )
    var flushTime = TimeSpan(Self.relay.flushTime)

    @Option(
        help: Self.help("The longest name of a client, room or dialect.", ByteCount(Self.relay.nameBytes), "bytes"),
        transform: ByteCount.parse
    )
    var nameLimit = ByteCount(Self.relay.nameBytes)

    @Option(help: Self.help("The most rooms.", Count(Self.relay.rooms), "n"), transform: Count.parse)
    var roomLimit = Count(Self.relay.rooms)

    @Option(help: Self.help("The most dialects.", Count(Self.relay.dialects), "n"), transform: Count.parse)
    var dialectLimit = Count(Self.relay.dialects)

    @Option(
        help: Self.help("Lines that wait for a slow console, and for a slow log.", Count(Self.relay.consoleLines), "n"),
        transform: Count.parse
    )
    var consoleLines = Count(Self.relay.consoleLines)

    @Option(help: Self.help("Memory of all scripts.", ByteCount(Self.lua.memory), "bytes"), transform: ByteCount.parse)
    var luaMemory = ByteCount(Self.lua.memory)

    @Option(
        help: Self.help("CPU time of all handlers of one message.", TimeSpan(Self.lua.handlers.cpuTime), "time"),
        transform: TimeSpan.parse
    )
    var handlerTime = TimeSpan(Self.lua.handlers.cpuTime)

    @Option(
        help: Self.help(
            "Lua instructions of all handlers of one message.",
            Count(Int(Self.lua.handlers.instructions)),
            "n"
        ),
        transform: Count.parse
    )
    var handlerInstructions = Count(Int(Self.lua.handlers.instructions))

    @Option(
        help: Self.help("CPU time for loading all scripts.", TimeSpan(Self.lua.loading.cpuTime), "time"),
        transform: TimeSpan.parse
    )
    var loadTime = TimeSpan(Self.lua.loading.cpuTime)

    @Option(
        help: Self.help("The most handlers that scripts may register.", Count(Self.relay.handlers), "n"),
        transform: Count.parse
    )
    var handlerLimit = Count(Self.relay.handlers)

    @Option(
        help: Self.help(
            "Pause a handler that wasted this much by passing limits …",
            TimeSpan(Self.relay.pauseAfter),
            "time"
        ),
        transform: TimeSpan.parse
    )
    var pauseAfter = TimeSpan(Self.relay.pauseAfter)

    @Option(
        help: Self.help("… within this time …", TimeSpan(Self.relay.pauseWindow), "time"),
        transform: TimeSpan.parse
    )
    var pauseWindow = TimeSpan(Self.relay.pauseWindow)

    @Option(help: Self.help("… for this long.", TimeSpan(Self.relay.pauseTime), "time"), transform: TimeSpan.parse)
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
        limits.outputBytes = self.outputLimit.value
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
