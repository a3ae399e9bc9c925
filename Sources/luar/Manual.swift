// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import ArgumentParser
internal import HostSettings
internal import RelayHooks
internal import RelayHost

/// `luar manual`: prints the manual page, made from the definitions that the command line is made from.
struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the manual page.",
        discussion: """
            Read it with: luar manual | man -l -
            Install it with: luar manual > /usr/local/share/man/man1/luar.1
            """
    )

    func run() throws {
        try Failure.reported {
            try StandardOutput.write(ManualPage(try HelpTree.read().command).text)
        }
    }
}

/// A manual page in the macros of man(7).
private struct ManualPage {
    private(set) var text = ""

    init(_ program: HelpTree.Command) {
        let commands = (program.subcommands ?? []).filter { $0.commandName != "help" }
        self.macro("TH", "LUAR", "1", "", "luar \(Relay.version)", "User commands")
        self.macro("SH", "NAME")
        self.line("luar - \(program.abstract ?? "")")
        self.macro("SH", "SYNOPSIS")
        for command in commands {
            self.line("\\fBluar \(Self.escape(command.commandName))\\fR \(self.synopsis(command))", isEscaped: true)
            self.macro("br")
        }
        self.line("\\fBluar\\fR \\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR", isEscaped: true)
        self.macro("SH", "DESCRIPTION")
        self.paragraphs(program.discussion ?? "")
        self.macro("SH", "COMMANDS")
        for command in commands { self.describe(command) }
        self.describeSettings()
        self.macro("SH", "EXIT STATUS")
        self.line(
            "0 on success; 1 if something failed, which is said on standard error; 64 for a wrong command line; 128 and"
        )
        self.line("the number of the signal if a signal ended the chat client.")
        self.macro("SH", "SEE ALSO")
        self.line("nc(1), lua(1)")
    }

    private mutating func describe(_ command: HelpTree.Command) {
        self.macro("SS", "luar \(command.commandName)")
        self.line(command.abstract ?? "")
        if let discussion = command.discussion {
            self.macro("PP")
            self.paragraphs(discussion)
        }
        // What every command has is told once, in the synopsis.
        let arguments = (command.arguments ?? [])
            .filter { argument in
                argument.shouldDisplay && !(argument.names ?? []).contains { $0.name == "help" || $0.name == "version" }
            }
        var title: String?
        for (index, argument) in arguments.enumerated() {
            // A flag and its inverse are one entry, told with the first of them.
            let following = arguments.dropFirst(index + 1).first
            let inverse = following.flatMap { $0.isInverse(of: argument) ? $0 : nil }
            if index > 0, argument.isInverse(of: arguments[index - 1]) { continue }
            if let section = argument.sectionTitle, section != title {
                title = section
                self.macro("PP")
                self.line("\\fI\(Self.escape(section))\\fR", isEscaped: true)
            }
            self.macro("TP")
            self.line(Self.head(argument) + (inverse.map { ", " + Self.head($0) } ?? ""), isEscaped: true)
            self.line(argument.abstract ?? "")
        }
    }

    private mutating func describeSettings() {
        self.macro("SH", "SETTINGS")
        self.line(
            "An option that is a setting can also be given in the environment, as LUAR_ and its name in capitals, and in"
        )
        self.line(
            "a YAML file. The command line counts most, then the environment, then the file. Unknown names and wrong"
        )
        self.line("values are errors. `luar settings` shows what is in force and where it came from.")
        self.macro("PP")
        self.macro("nf")
        self.line("tcp: [127.0.0.1:12345, \"[::1]:12345\"]")
        self.line("client-limit: 500")
        self.line("quiet: true")
        self.macro("fi")
        self.macro("SH", "ENVIRONMENT")
        self.macro("TP")
        self.line("\\fB\(Self.escape(SettingsReader.fileVariable))\\fR", isEscaped: true)
        self.line("The settings file, if --config names none.")
        for setting in Setting.all {
            self.macro("TP")
            self.line("\\fB\(Self.escape(setting.variable))\\fR", isEscaped: true)
            var help = setting.help + (setting.defaultText.map { " (default: \($0))" } ?? "")
            switch setting.arity {
            case .flag: help += " One of \(setting.choices.joined(separator: ", "))."
            case .list: help += " Several are separated by commas."
            case .one: break
            }
            self.line(help)
        }
        self.macro("TP")
        self.line("\\fB\(Self.escape(ScriptValues.variablePrefix))\\fIFILE_NAME\\fR", isEscaped: true)
        self.line("The setting NAME of the script FILE, as with --set; for secrets, which --set does not take.")
        self.macro("SH", "FILES")
        self.macro("TP")
        self.line("\\fI./scripts\\fR, \\fI$XDG_CONFIG_HOME/luar/scripts\\fR", isEscaped: true)
        self.line("Where scripts are looked for, in this order, unless --scripts names a folder.")
        self.macro("TP")
        self.line("\\fI$XDG_STATE_HOME/luar/mail\\fR, \\fI~/.local/state/luar/mail\\fR", isEscaped: true)
        self.line("Where mails wait until they are delivered, unless --mail-spool names a folder.")
        self.macro("TP")
        self.line("\\fI$XDG_STATE_HOME/luar\\fR, \\fI~/.local/state/luar\\fR", isEscaped: true)
        self.line("Where scripts keep state.sqlite and files/, unless --data names a folder; made when first needed.")
        self.macro("SH", "EXAMPLES")
        self.example(
            "Run a relay for the whole network, with scripts of your own:",
            "luar serve --tcp 0.0.0.0:12345 --scripts rules"
        )
        self.example("Chat on it:", "luar chat relay.example.org")
        self.example("Say one thing and leave:", "echo 'the build is done' | luar chat")
        self.example(
            "Measure it, and mail what lasts:",
            "luar monitor relay.example.org --mail-to ana@example.org --smtp smtp://mail.example.org --set alerts.notify=change"
        )
        self.example(
            "Write the stock scripts, to be changed, and check what became of them:",
            "luar init scripts && luar check scripts"
        )
    }

    private mutating func example(_ purpose: String, _ command: String) {
        self.macro("TP")
        self.line(purpose)
        self.line("\\fB\(Self.escape(command))\\fR", isEscaped: true)
    }

    private func synopsis(_ command: HelpTree.Command) -> String {
        var parts = ["[\\fIoptions\\fR]"]
        for argument in command.arguments ?? [] where argument.kind == "positional" {
            let name = "\\fI\(Self.escape(argument.valueName ?? ""))\\fR"
            parts.append(argument.isOptional ? "[\(name)]" : name)
        }
        return parts.joined(separator: " ")
    }

    private static func head(_ argument: HelpTree.Argument) -> String {
        let value = "\\fI\(self.escape(argument.valueName ?? ""))\\fR"
        guard argument.kind != "positional" else { return value }
        let names = (argument.names ?? []).map { "\\fB\(self.escape($0.written))\\fR" }.joined(separator: ", ")
        return argument.kind == "option" ? "\(names) \(value)" : names
    }

    // MARK: Macros

    private mutating func macro(_ name: String, _ arguments: String...) {
        self.text += ".\(name)"
        for argument in arguments { self.text += " \"\(Self.escape(argument))\"" }
        self.text += "\n"
    }

    private mutating func paragraphs(_ text: String) {
        for (index, paragraph) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if paragraph.isEmpty {
                self.macro("PP")
            } else {
                if index > 0 { self.macro("br") }
                self.line(String(paragraph))
            }
        }
    }

    private mutating func line(_ text: String, isEscaped: Bool = false) {
        let line = isEscaped ? text : Self.escape(text)
        // A period or an apostrophe at the start would make it a macro.
        self.text += (line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" : "") + line + "\n"
    }

    private static func escape(_ text: String) -> String {
        text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\"", with: "\\(dq")
            .replacing("…", with: "\\&...")
    }
}
