// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import ChatClient
internal import HostSettings
internal import RelayCore
internal import RelayHost

/// `luar chat`: chats on a relay.
struct ChatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Chat on a relay, in a terminal or through pipes.",
        discussion: """
            Texts go over TCP, or with --udp over UDP, where each is by itself and may get lost. Over TCP they are lines \
            (without line ends with --raw), so a relay that runs with --framing length cannot be reached.

            On a terminal, what you type is sent with Enter, and what others write appears above it. The keys are those \
            of a shell: arrows, Home and End, Ctrl-A Ctrl-E Ctrl-K Ctrl-U Ctrl-W Ctrl-Y, Up and Down for lines sent \
            before. Ctrl-D and Ctrl-C leave, and so does what chat.lua says.

            Through pipes, lines go in and lines come out. At the end of input the chat is left, once everything is \
            sent and what is answered was shown.
            """
    )

    @OptionGroup
    var server: ServerArgument

    @OptionGroup(title: "Chat")
    var transport: TransportFlag

    @OptionGroup(title: "Chat")
    var chat: ChatOptions

    @OptionGroup(title: "Chat")
    var scripts: ScriptOptions

    @OptionGroup(title: "Chat")
    var common: CommonOptions

    @OptionGroup(title: "Limits")
    var message: MessageOptions

    @OptionGroup(title: "Limits of scripts")
    var scriptLimits: ScriptLimitOptions

    func validate() throws {
        if self.transport.udp, let other = self.chat.transport, other != TransportKind.udp.name {
            throw ValidationError("--udp and --transport \(other) exclude each other")
        }
    }

    func run() throws {
        try Failure.reported {
            let groups: [any SettingOptions] = [
                self.server, self.chat, self.transport, self.scripts, self.common, self.message, self.scriptLimits,
            ]
            let code = try Chat.run(try self.common.resolve(groups).settings, version: Relay.version)
            if code != 0 { throw ExitCode(code) }
        }
    }
}

/// The relay to chat on.
struct ServerArgument: SettingOptions {
    @Argument(help: .setting("server"))
    var server: String?
}
