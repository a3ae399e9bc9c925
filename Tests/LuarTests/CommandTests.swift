// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import HostSettings
import LineOutput
import StockScripts
import TestSupport
import Testing

/// The commands beside serve and chat, as people and shells call them.
@Suite(.timeLimit(.minutes(15))) struct CommandTests {
    /// Runs `luar` to its end.
    private func luar(
        _ arguments: [String],
        in folder: String = "/",
        environment: [String: String] = [:]
    ) async throws -> (output: String, error: String, code: Int32) {
        try await Program.run(Program.luar, arguments, in: folder, environment: environment) { luar in
            let code = try luar.exitCode()
            return (luar.output, luar.error, code)
        }
    }

    /// Runs a shell command to its end; `luar` in it is the one built with these tests.
    private func shell(_ command: String, in folder: String = "/") async throws -> (output: String, code: Int32) {
        let line = "luar() { '\(Program.luar)' \"$@\"; }; \(command)"
        return try await Program.run("/bin/bash", ["-c", line], in: folder) { shell in
            let code = try shell.exitCode()
            return (shell.output + shell.error, code)
        }
    }

    @Test func `help groups the commands`() async throws {
        let (output, _, code) = try await self.luar(["--help"])
        #expect(code == 0)
        let groups = output.matches(of: #/(?m)^([A-Z]+) SUBCOMMANDS:\n((?:  .*\n)+)/#)
            .map { group in
                let names = group.2.matches(of: #/(?m)^  (\w+)  /#).map { String($0.1) }
                return "\(group.1): \(names.joined(separator: " "))"
            }
        #expect(
            groups == [
                "CHAT: serve chat status", "MONITOR: monitor mail", "SCRIPTS: init check test reload replay",
                "SETUP: settings completions manual",
            ]
        )
    }

    @Test func `a command that does not exist is named, with the one that was meant`() async throws {
        let (output, error, code) = try await self.luar(["sevre"])
        #expect(code == 64)
        #expect(output == "")
        #expect(error == "luar: there is no command 'sevre'; did you mean 'serve'?\n")
    }

    @Test func `the version tells Lua's too`() async throws {
        let (output, _, code) = try await self.luar(["--version"])
        #expect(code == 0)
        #expect(output.wholeMatch(of: #/luar \d+\.\d+\.\d+\nLua 5\.4\.\d+\nSwift 6\.\d.*\n/#) != nil, "\(output)")
    }

    @Test func `every setting is an option of some command, with its help and default`() async throws {
        let serve = try await self.luar(["serve", "--help"]).output
        let chat = try await self.luar(["chat", "--help"]).output
        let words = (serve + chat).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for setting in Setting.all where setting.name != "server" {
            guard !setting.isSecret else {
                #expect(!words.contains("--\(setting.name) "), "everybody can read a command line")
                continue
            }
            let name = setting.arity == .flag ? "--\(setting.name)" : "--\(setting.name) <\(setting.valueName)>"
            #expect(words.contains(name), "\(name)")
            var help = setting.help + (setting.defaultText.map { " (default: \($0))" } ?? "")
            if setting.arity == .flag, !setting.name.hasPrefix("no-") { help += " (default: --no-\(setting.name))" }
            #expect(words.contains(help), "\(help)")
        }
        #expect(chat.contains("<host:port>             The relay to chat on. (default: 127.0.0.1:12345)"))
    }

    @Test func `settings shows every setting, its value and where it came from`() async throws {
        let folder = try TemporaryFolder(["luar.yaml": "# mine\nclient-limit: 500\nquiet: yes\n"])
        defer { folder.remove() }
        let environment = ["LUAR_QUIET": "no", "LUAR_CONFIG": "luar.yaml"]
        let arguments = ["settings", "--tcp", "[::1]:1", "--tcp", "h:2", "other:3", "--raw"]
        let (output, _, code) = try await self.luar(arguments, in: folder.path, environment: environment)
        #expect(code == 0)
        let rows = output.split(separator: "\n").map { String($0.replacing(#/ {2,}/#, with: " | ")) }
        #expect(rows.first == "SETTING | VALUE | FROM")
        #expect(rows.dropFirst().map { String($0.prefix { $0 != " " }) } == Setting.all.map(\.name))
        for row in [
            "tcp | [::1]:1, h:2 | command line", "quiet | false | environment LUAR_QUIET",
            "client-limit | 500 | luar.yaml:2", "server | other:3 | command line", "raw | true | command line",
            "scripts | (stock) | default", "message-limit | 64KiB | default",
        ] {
            #expect(rows.contains(row), "\(row) in \(output)")
        }
        let json = try await self.luar(arguments + ["--json"], in: folder.path, environment: environment)
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: [String: String]]
        #expect(object?["client-limit"] == ["value": "500", "from": "luar.yaml:2"])
        #expect(object?.count == Setting.all.count)
    }

    @Test func `a wrong setting names itself, its source and what is allowed`() async throws {
        let folder = try TemporaryFolder(["luar.yaml": "client-limit: many\nframming: line\n"])
        defer { folder.remove() }
        for command in ["settings", "serve", "chat", "check"] {
            let file = try await self.luar([command, "--config", "luar.yaml"], in: folder.path)
            #expect(file.code == 1)
            #expect(
                file.error == """
                    luar: luar.yaml:2: 'framming' is no setting; did you mean 'framing'?
                    luar: luar.yaml:1: client-limit: 'many' is no whole number from 1 to 2147483647

                    """
            )
            let variable = try await self.luar([command], in: folder.path, environment: ["LUAR_CLIENT_LIMIT": "0"])
            #expect(variable.code == 1)
            let reason = "luar: LUAR_CLIENT_LIMIT in the environment: '0' is no whole number from 1 to 2147483647\n"
            #expect(variable.error == reason)
        }
        let line = try await self.luar(["settings", "--client-limit", "0"])
        #expect(line.code == 64)
        #expect(line.error.hasPrefix("Error: --client-limit: '0' is no whole number from 1 to 2147483647\n"))
    }

    @Test func `serve takes settings from a file`() async throws {
        let files = ["luar.yaml": "client-limit: 1\nlog-format: json\nmessage-limit: 1KiB\n"]
        let folder = try TemporaryFolder(files)
        defer { folder.remove() }
        let arguments = ["serve", "--no-udp", "--tcp", "127.0.0.1:0", "--config", "luar.yaml", "--log-level", "info"]
        try await Program.run(Program.luar, arguments, in: folder.path) { relay in
            try relay.logs("\"message\":\"listening\"")
            for line in relay.error.split(separator: "\n") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
                #expect(object?["level"] == "info")
            }
            let port = try #require(relay.error.firstMatch(of: #/"tcp\.address":"127\.0\.0\.1:(\d+)"/#)?.1)
            let first = try Peer(port: Int(port) ?? 0)
            try relay.prints("Cliente conectado: ")
            let second = try Peer(port: Int(port) ?? 0)
            #expect(second.receiveAll() == "", "one client is the limit")
            first.close()
            let code = try relay.terminate()
            #expect(code == 0)
        }
    }

    @Test func `init writes the stock scripts, says so, and check likes them`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let (output, _, code) = try await self.luar(["init", "meu/scripts"], in: folder.path)
        #expect(code == 0)
        let written = StockScripts.files.keys + ["README.md", ".luarc.json", "library/relay.lua"]
        let lines = written.sorted().map { "wrote meu/scripts/\($0)\n" }.joined()
        #expect(output == lines + "Next: change a file, then `luar check meu/scripts`.\n")
        let check = try await self.luar(["check", "meu/scripts"], in: folder.path)
        #expect(check.code == 0)
        #expect(check.output.hasSuffix("9 files, 12 hooks, no mistakes found\n"))
        let again = try await self.luar(["init", "meu/scripts"], in: folder.path)
        #expect(again.code == 1)
        #expect(again.error.contains("luar: meu/scripts/format.lua exists; --force overwrites it\n"))
        #expect(again.error.hasSuffix("luar: nothing was written\n"))
        let forced = try await self.luar(["init", "--force", "meu/scripts"], in: folder.path)
        #expect(forced.code == 0)
        let file = try await self.luar(["init", "meu/scripts/format.lua"], in: folder.path)
        #expect(file.code == 1)
        let reason = "luar: cannot write the scripts to 'meu/scripts/format.lua': it is a file; nothing was written\n"
        #expect(file.error == reason)
    }

    @Test func `check lists hooks and files as a table and as JSON`() async throws {
        let folder = try TemporaryFolder(["a.lua": "relay.on('format', { order = 1.5, dialect = 'json' }, print)"])
        defer { folder.remove() }
        let table = try await self.luar(["check", folder.path])
        #expect(table.code == 0)
        let rows = table.output.split(separator: "\n").map { String($0.replacing(#/ {2,}/#, with: " | ")) }
        #expect(rows.contains("EVENT | ORDER | ON ERROR | FOR | CPU | MAX | HOOK"))
        // Nobody gets that dialect.
        #expect(rows.contains("format | 1.5 | skip | json | - | - | \(folder.path)/a.lua:1"))
        #expect(
            rows.contains {
                $0.contains(#/^format \| default \| skip \| plain \| [0-9.]+ .s \| [0-9.]+ .s \| stock/format.lua:20$/#)
            }
        )
        #expect(rows.contains("10 files, 13 hooks, 1 warning"))
        let warning =
            "luar: warning: \(folder.path)/a.lua:1: no script gives a client the dialect 'json', so this hook never runs"
        #expect(table.error == warning + "\n")
        let strict = try await self.luar(["check", "--strict", folder.path])
        #expect(strict.code == 1 && strict.error == table.error)
        #expect(rows.contains("stock/lib/commands.lua | relay"))
        let mode = "Unknown commands are relayed: only stock scripts have commands (commands.unknown is auto)."
        #expect(rows.contains(mode))
        let json = try await self.luar(["check", "--json", folder.path])
        #expect(json.code == 0)
        let report = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        #expect(report?["folder"] as? String == folder.path)
        #expect((report?["problems"] as? [Any])?.isEmpty == true)
        let hooks = report?["hooks"] as? [[String: Any]]
        let own = hooks?.first { $0["file"] as? String == "\(folder.path)/a.lua" }
        #expect(own?["order"] as? Double == 1.5 && own?["dialect"] as? String == "json" && own?["line"] as? Int == 1)
        #expect(own?["on_error"] as? String == "skip")
        let warnings = report?["warnings"] as? [[String: Any]]
        #expect(warnings?.map { $0["line"] as? Int } == [1])
        let format = hooks?
            .first { $0["file"] as? String == "stock/format.lua" && $0["event"] as? String == "format" }
        let cost = try #require(format?["cost"] as? [String: Any])
        #expect(cost["calls"] as? Int ?? 0 > 50 && cost["max"] as? Double ?? 0 > 0)
    }

    @Test func `the columns of a table line up with wide and combining characters`() async throws {
        let folder = try TemporaryFolder(["日本語.lua": "", "cafe\u{301}.lua": "", "👨‍👩‍👧.lua": "", "x.lua": ""])
        defer { folder.remove() }
        let check = try await self.luar(["check", folder.path])
        let table = check.output.split(separator: "\n").drop { !$0.hasPrefix("FILE") }
        // The columns of each name, and as many spaces as are missing to the widest.
        for (name, columns) in [("日本語.lua", 10), ("cafe\u{301}.lua", 8), ("👨‍👩‍👧.lua", 6), ("x.lua", 5)] {
            let path = "\(folder.path)/\(name)"
            let row = try #require(table.first { $0.hasPrefix("\(path) ") }, "\(check.output)")
            #expect(row.dropFirst(path.count).prefix { $0 == " " }.count == 10 - columns + 2, "\(row)")
        }
    }

    @Test func `check tells every mistake with file, line and a suggestion`() async throws {
        let folder = try TemporaryFolder([
            "a.lua": "\nrelay.on('mesage', print)", "b.lua": "local = 1", "chat.lua": "relay.on('chat_sent', print)",
        ])
        defer { folder.remove() }
        let (output, error, code) = try await self.luar(["check", "."], in: folder.path)
        #expect(code == 1)
        #expect(output == "")
        #expect(
            error == """
                luar: ./a.lua:2: unknown event 'mesage'; did you mean 'message'?
                luar: ./b.lua:1: <name> expected near '='
                luar: ./chat.lua:1: unknown event 'chat_sent'; did you mean 'chat_send'?

                """
        )
        let json = try await self.luar(["check", "--json", "."], in: folder.path)
        #expect(json.code == 1)
        let report = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        let problems = report?["problems"] as? [[String: Any]]
        #expect(problems?.map { $0["line"] as? Int } == [2, 1, 1])
        let missing = try await self.luar(["check", "no/such"])
        #expect(missing.code == 1)
        #expect(missing.error == "luar: cannot read the scripts folder 'no/such': there is no such file or folder\n")
    }

    @Test(arguments: [("bash", "bash -n"), ("zsh", "zsh -n"), ("fish", "fish -n")])
    func `completion scripts are what their shell reads`(name: String, check: String) async throws {
        let script = try await self.luar(["completions", name])
        #expect(script.code == 0)
        for word in ["serve", "chat", "settings", "client-limit", "slow-policy"] {
            #expect(script.output.contains(word), "\(word)")
        }
        guard Program.exists(name) else { return }
        let folder = try TemporaryFolder(["script": script.output])
        defer { folder.remove() }
        let (output, code) = try await self.shell("\(check) script", in: folder.path)
        #expect(code == 0, "\(output)")
    }

    @Test func `bash completes commands, options and values`() async throws {
        let folder = try TemporaryFolder(["script": try await self.luar(["completions", "bash"]).output])
        defer { folder.remove() }
        func completed(_ line: String) async throws -> String {
            let words = line.split(separator: " ", omittingEmptySubsequences: false).map { "'\($0)'" }
            let command = """
                source ./script; COMP_WORDS=(\(words.joined(separator: " "))); COMP_CWORD=\(words.count - 1)
                COMP_LINE='\(line)'; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_KEY=9
                _luar luar "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; echo "${COMPREPLY[@]}"
                """
            return try await self.shell(command, in: folder.path).output
        }
        let commands = try await completed("luar ch")
        #expect(commands.contains("chat check"), "\(commands)")
        #expect(try await completed("luar serve --client").contains("--client-limit"))
        #expect(try await completed("luar serve --slow-policy ").contains("disconnect drop"))
    }

    @Test func `the manual page is one that groff takes without a word, and has every command and setting`()
        async throws
    {
        let page = try await self.luar(["manual"])
        #expect(page.code == 0)
        for command in ["serve", "chat", "monitor", "mail", "init", "check", "test", "settings", "manual"] {
            #expect(page.output.contains(".SS \"luar \(command)\""))
        }
        for setting in Setting.all {
            #expect(page.output.contains("\\fB\(setting.variable)\\fR"), "\(setting.variable)")
        }
        guard Program.exists("groff") else { return }
        let folder = try TemporaryFolder(["luar.1": page.output])
        defer { folder.remove() }
        let (output, code) = try await self.shell("groff -man -Tutf8 -ww luar.1 >/dev/null", in: folder.path)
        #expect(code == 0)
        #expect(output == "")
    }

    @Test func `nothing that comes from outside controls the terminal in an error or makes a line of its own`()
        async throws
    {
        let evil = "\u{1B}[31m\nluar: forged\u{9B}1m\u{202E}"
        let folder = try TemporaryFolder([
            "evil.yaml": "\"\\e[31m\\nluar: forged\": 1\nframing: \"\\e[31m\\nluar: forged\"\n",
            "a.lua": "error('\\27[2J\\nluar: forged')",
        ])
        defer { folder.remove() }
        for arguments in [
            ["settings", "--framing", evil], ["settings", "--config", evil], ["settings", "--\(evil)"], ["chat", evil],
            [evil],
            ["check", evil], ["check", "."], ["serve", "--scripts", "."], ["serve", "--scripts", evil],
            ["settings", "--config", "evil.yaml"], ["init", "/dev/null/\(evil)"],
        ] {
            let result = try await self.luar(arguments, in: folder.path)
            #expect(result.code != 0)
            #expect(!(result.output + result.error).unicodeScalars.contains { $0 != "\n" && LineEscaping.isShown($0) })
            let lines = result.error.split(separator: "\n")
            #expect(!lines.contains { $0.hasPrefix("luar: forged") }, "\(arguments): \(result.error)")
        }
        let variable = try await self.luar(["settings"], environment: ["LUAR_\(evil)": "1", "LUAR_QUIET": evil])
        #expect(variable.error.split(separator: "\n").count == 2, "\(variable.error)")
        #expect(!variable.error.contains("\u{1B}"))
    }

    @Test func `odd folders and files are refused in time`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let manager = FileManager.default
        for name in ["a", "b"] {
            try manager.createSymbolicLink(atPath: "\(folder.path)/lib/\(name)", withDestinationPath: ".")
        }
        let circle = try await self.luar(["check", folder.path])
        #expect(circle.code == 1)
        #expect(circle.error.contains("is there a link that leads in a circle?"))
        for name in ["a", "b"] { try manager.removeItem(atPath: "\(folder.path)/lib/\(name)") }
        let (_, code) = try await self.shell("mkfifo pipe.lua && truncate -s 5G big.txt", in: folder.path)
        #expect(code == 0)
        let pipe = try await self.luar(["check", folder.path])
        #expect(pipe.error == "luar: cannot read the script '\(folder.path)/pipe.lua': it is no regular file\n")
        _ = try await self.shell("rm pipe.lua; mv big.txt big.lua", in: folder.path)
        let big = try await self.luar(["check", folder.path])
        #expect(big.error.contains("has more than 1048576 bytes"))
        _ = try await self.shell(
            "rm big.lua; printf '\\xEF\\xBB\\xBF#!/usr/bin/lua\\nlocal = 1' > bom.lua",
            in: folder.path
        )
        let bom = try await self.luar(["check", folder.path])
        #expect(bom.error.contains("bom.lua:2: "), "\(bom.error)")
        let none = try await self.luar(["init", ""])
        #expect(none.code == 1)
        #expect(none.error == "luar: the folder to write the scripts to has no name\n")
        let long = try await self.luar(["settings", "--scripts", String(repeating: "x", count: 50_000)])
        #expect(long.code == 0)
    }

    @Test func `an output that cannot be written is an error, and a reader that has enough is none`() async throws {
        for command in ["settings", "check", "manual", "completions bash", "--help", "--version", "help chat"] {
            let full = try await self.shell("luar \(command) > /dev/full")
            #expect(full.code == 1)
            #expect(full.output == "luar: cannot write to standard output: No space left on device\n")
            let head = try await self.shell("set -o pipefail; for i in 1 2 3 4 5; do luar \(command); done | head -1")
            #expect(head.output.split(separator: "\n").count == 1, "\(head.output)")
        }
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let full = try await self.shell("luar init x > /dev/full", in: folder.path)
        #expect(full.code == 1)
    }
}
