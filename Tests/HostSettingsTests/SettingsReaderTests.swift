// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import RelayCore
import TestSupport
import Testing

@testable import HostSettings
@testable import RelayHooks

@Suite struct SettingsReaderTests {
    /// Reads settings; a file's text is written to one first.
    private func read(
        _ commandLine: [String: [String]] = [:],
        _ environment: [String: String] = [:],
        file text: String? = nil
    ) throws -> ResolvedSettings {
        guard let text else {
            return try SettingsReader(commandLine: commandLine, environment: environment).read()
        }
        let folder = try TemporaryFolder(["luar.yaml": text])
        defer { folder.remove() }
        return try SettingsReader(
            commandLine: commandLine,
            environment: environment,
            file: folder.path + "/luar.yaml"
        )
        .read()
    }

    private func problems(
        _ commandLine: [String: [String]] = [:],
        _ environment: [String: String] = [:],
        file text: String? = nil
    ) -> String {
        do {
            _ = try self.read(commandLine, environment, file: text)
            return "(read)"
        } catch {
            return "\(error)".replacing(#/[^ '\n]*/luar\.yaml/#, with: "luar.yaml")
        }
    }

    private func origin(_ name: String, _ resolved: ResolvedSettings) throws -> String {
        resolved.origin(of: try #require(Setting.named(name))).description
            .replacing(#/.*/luar\.yaml/#, with: "luar.yaml")
    }

    @Test func `the command line counts most, then the environment, then the file, then the default`() throws {
        let file = "client-limit: 1\nroom-limit: 1\n\ndialect-limit: 1\n"
        let environment = ["LUAR_CLIENT_LIMIT": "2", "LUAR_ROOM_LIMIT": "2", "HOME": "/"]
        let resolved = try self.read(["client-limit": ["3"]], environment, file: file)
        #expect(resolved.settings.limits.clients == 3)
        #expect(resolved.settings.limits.rooms == 2)
        #expect(resolved.settings.limits.dialects == 1)
        #expect(resolved.settings.limits.consoleBytes == 4 << 20)
        #expect(try self.origin("client-limit", resolved) == "command line")
        #expect(try self.origin("room-limit", resolved) == "environment LUAR_ROOM_LIMIT")
        #expect(try self.origin("dialect-limit", resolved) == "luar.yaml:4")
        #expect(try self.origin("console-bytes", resolved) == "default")
    }

    /// A value for every setting, other than its default.
    private static let others: [String: [String]] = [
        "tcp": ["[::1]:1", "h:2"], "no-tcp": ["true"], "udp": ["[::1]:1", "h:2"], "no-udp": ["true"],
        "framing": ["raw"], "quiet": ["true"], "no-control": ["true"], "watch": ["true"], "server": ["h:9"],
        "raw": ["true"], "reconnect": ["true"], "scripts": ["elsewhere"], "log-level": ["debug"],
        "log-format": ["json"], "transport": ["udp"],
        "slow-policy": ["drop"], "monitor": ["[::1]:1", "h:2"], "worse-samples": ["4"],
        "mail-to": ["ana@example.com", "bia@example.com"], "mail-from": ["ana@example.com"],
        "smtp": ["smtps://mail.example.com:99"], "mail-login": ["true"], "set": ["latency.normal_ms=7"],
    ]

    private static func other(_ setting: Setting) -> [String] {
        if let values = self.others[setting.name] { return values }
        switch setting.valueName {
        case "time": return ["7s"]
        case "bytes": return ["7KiB"]
        default: return ["7"]
        }
    }

    @Test(arguments: Setting.all.map(\.name))
    func `every setting is taken from every source, and shown as it is written`(name: String) throws {
        let setting = try #require(Setting.named(name))
        let values = Self.other(setting)
        let shown =
            switch name {
            // The values of scripts are the scripts' to show.
            case "set": "latency.normal_ms"
            case "smtp": "smtps://mail.example.com:99"
            default: setting.isSecret ? "(hidden)" : values.joined(separator: ", ")
            }
        #expect(try self.read().text(of: setting) != shown)
        #expect(try self.read([name: values]).text(of: setting) == shown)
        #expect(try self.read([:], [setting.variable: values.joined(separator: ",")]).text(of: setting) == shown)
        let yaml = values.map { "\"\($0)\"" }.joined(separator: ", ")
        #expect(try self.read(file: "\(name): \(values.count > 1 ? "[\(yaml)]" : yaml)").text(of: setting) == shown)
    }

    /// What scripts get, as `name=value from`.
    private func scriptValues(_ resolved: ResolvedSettings) -> [String] {
        resolved.settings.scriptValues.entries.map { entry in
            "\(entry.name)=\(entry.value) from \(entry.description)".replacing(#/[^ ]*/luar\.yaml/#, with: "luar.yaml")
        }
    }

    @Test func `what is set in scripts comes from every source, with its place`() throws {
        let file = "quiet: true\nscripts:\n  latency: { normal_ms: 80 }\n  a:\n    list: [x, y]\n    map: { k: v }\n"
        let environment = ["LUAR_SET_LATENCY_SLOW_MS": "7"]
        let resolved = try self.read(["set": ["a.text=b=c"]], environment, file: file)
        #expect(
            self.scriptValues(resolved) == [
                "latency.normal_ms=text(\"80\") from luar.yaml:3: latency.normal_ms",
                "a.list=list([\"x\", \"y\"]) from luar.yaml:5: a.list",
                "a.map=map([\"k\": \"v\"]) from luar.yaml:6: a.map",
                "LATENCY_SLOW_MS=text(\"7\") from LUAR_SET_LATENCY_SLOW_MS in the environment",
                "a.text=text(\"b=c\") from --set a.text",
            ]
        )
        #expect(resolved.settings.scripts == nil)
        let both = try self.read(file: "scripts: elsewhere\nset: { latency: { normal_ms: 80 } }\n")
        #expect(both.settings.scripts == "elsewhere")
        #expect(self.scriptValues(both) == ["latency.normal_ms=text(\"80\") from luar.yaml:2: latency.normal_ms"])
        let list = try self.read(file: "set: [latency.normal_ms=80]\n")
        #expect(self.scriptValues(list) == ["latency.normal_ms=text(\"80\") from luar.yaml:1: latency.normal_ms"])
    }

    @Test func `settings that do not go together are refused, with their places`() throws {
        func refusal(_ commandLine: [String: [String]]) -> String { self.problems(commandLine) }
        #expect(
            refusal(["timeout": ["3s"], "interval": ["2s"]])
                == "timeout 3s (command line) is longer than interval 2s (command line); "
                + "a sample is decided before the next one begins"
        )
        #expect(
            refusal(["worse-samples": ["6"]]) == "worse-samples 6 (command line) is more than worse-window 5 (default)"
        )
        #expect(refusal(["source-port": ["99"], "burst": ["2"]]).contains("one ping at a time"))
        #expect(refusal(["source-port": ["99"], "monitor": ["h:1", "h:2"]]).contains("one target can be measured"))
        #expect(refusal(["monitor": ["h:1", "h:1"]]).contains("'h:1' is given twice"))
        #expect(refusal(["monitor": ["h:0"]]).contains("'h:0' has port 0, which cannot be pinged"))
        #expect(refusal(["interval": ["9ms"]]) == "--interval: '9ms' is less than 10ms, the least")
        #expect(refusal(["source-port": ["0"]]).contains("'0' is no whole number from 1 to 65535"))
        #expect(refusal(["smtp": ["smtp://me:secret@h"]]).contains("holds no login"))
        #expect(!refusal(["smtp": ["smtp://me:secret@h"]]).contains("secret"))
    }

    @Test func `a timeout that nobody sets is no longer than the interval`() throws {
        #expect(try self.read(["interval": ["1s"]]).settings.monitor.effectiveTimeout == .seconds(1))
        #expect(try self.read(["interval": ["1m"]]).settings.monitor.effectiveTimeout == .seconds(2))
    }

    @Test(arguments: [
        ("client-limit: abc", "luar.yaml:1: client-limit: 'abc' is no whole number from 1 to 2147483647"),
        ("\nframing: lines", "luar.yaml:2: framing: 'lines' is not one of auto, line, raw, length"),
        ("quiet: maybe", "luar.yaml:1: quiet: 'maybe' is neither true nor false"),
        ("tcp: []", "luar.yaml:1: tcp: it is empty; no-tcp is the way to listen nowhere"),
        ("tcp: [h]", "luar.yaml:1: tcp: 'h' is no address: it has no port"),
        ("client-limt: 5", "luar.yaml:1: 'client-limt' is no setting; did you mean 'client-limit'?"),
        ("client_limit: 5", "did you mean 'client-limit'?"),
        ("framing: [line, raw]", "luar.yaml:1: framing takes one value, not a list"),
        ("framing: {a: b}", "luar.yaml:1: framing takes a value or a list of values, not a mapping"),
        ("tcp: [[a]]", "luar.yaml:1: tcp takes plain values"), ("scripts:", "luar.yaml:1: scripts has no value"),
        ("quiet: true\nquiet: false", "luar.yaml:2: 'quiet' is set twice (also in line 1); keep one"),
        ("tcp: [h:1\nquiet: true", "this is not YAML"), ("tcp: \"h:1", "luar.yaml:1: this is not YAML"),
        ("- a\n- b", "luar.yaml:1: the file is no mapping of settings"), ("just text", "the file is no mapping"),
        ("quiet: true\n---\nraw: true", "this is not YAML"), ("? [a, b]\n: c", "luar.yaml:1: '?' is no setting"),
        ("tcp: [\"h:1\"]\nno-tcp: true", "luar.yaml:1: tcp and luar.yaml:2: no-tcp exclude each other"),
        ("a: &x [1, 1]\nb: *x", "luar.yaml:2: aliases (*name) are not taken here"),
        ("quiet: \u{0}", "this is not YAML"),
        ("log-level: loud", "luar.yaml:1: log-level: 'loud' is not one of trace, debug, info"),
    ])
    func `a wrong file is refused with line, name and what is allowed`(text: String, reason: String) {
        let problems = self.problems(file: text)
        #expect(problems.contains(reason), "\(problems)")
    }

    @Test(arguments: ["", "# nothing\n", "---\n", "{}", "\n\n"])
    func `a file that sets nothing is fine`(text: String) throws {
        #expect(try self.read(file: text).settings.limits.clients == 10_000)
    }

    @Test func `all problems of all sources are told at once`() {
        let problems =
            self.problems(
                ["log-level": ["loud"]],
                ["LUAR_FRAMMING": "x", "LUAR_QUIET": "perhaps", "OTHER": "x"],
                file: "client-limit: 0\nsilence: 5\n"
            )
            .split(separator: "\n").map { String($0.prefix { $0 != ";" }) }
        #expect(
            problems
                == [
                    "LUAR_FRAMMING in the environment is no setting",
                    "luar.yaml:1: client-limit: '0' is no whole number from 1 to 2147483647",
                    "luar.yaml:2: silence: '5' is no time from 1ms to a year, like 50ms, 2s, 5m or 24h",
                    "LUAR_QUIET in the environment: 'perhaps' is neither true nor false",
                    "--log-level: 'loud' is not one of trace, debug, info, notice, warning, error, critical",
                ]
        )
    }

    @Test func `a file that cannot be read says why`() throws {
        let folder = try TemporaryFolder(["secret.yaml": "quiet: true", "latin.yaml": "", "big.yaml": ""])
        defer { folder.remove() }
        func reason(_ path: String) -> String {
            do {
                _ = try SettingsReader(environment: [:], file: path).read()
                return "(read)"
            } catch {
                return "\(error)"
            }
        }
        #expect(reason(folder.path) == "cannot read the settings file '\(folder.path)': it is a folder")
        #expect(reason("/no/such.yaml") == "cannot read the settings file '/no/such.yaml': there is no such file")
        try Data([0x71, 0xFF]).write(to: URL(fileURLWithPath: folder.path + "/latin.yaml"))
        #expect(reason(folder.path + "/latin.yaml").hasSuffix("it is not UTF-8"))
        try Data(repeating: 0x23, count: SettingsFile.longest + 1)
            .write(to: URL(fileURLWithPath: folder.path + "/big.yaml"))
        #expect(reason(folder.path + "/big.yaml").hasSuffix("it has more than 1048576 bytes"))
        #expect(reason("/dev/zero").hasSuffix("it has more than 1048576 bytes"))
    }

    @Test func `the file is named by the environment unless the command line names one`() throws {
        let folder = try TemporaryFolder(["a.yaml": "client-limit: 1", "b.yaml": "client-limit: 2"])
        defer { folder.remove() }
        let environment = ["LUAR_CONFIG": folder.path + "/a.yaml"]
        #expect(try SettingsReader(environment: environment).read().settings.limits.clients == 1)
        let file = folder.path + "/b.yaml"
        #expect(try SettingsReader(environment: environment, file: file).read().settings.limits.clients == 2)
    }

    @Test func `whether and where to listen is decided by the source that counts most`() throws {
        #expect(try self.read(["no-tcp": ["true"]], [:], file: "tcp: [\"h:1\"]").settings.tcp.isEmpty)
        #expect(
            try self.read(["tcp": ["h:2"]], [:], file: "no-tcp: true").settings.tcp == [Endpoint(host: "h", port: 2)]
        )
        #expect(try self.read([:], ["LUAR_NO_TCP": "false"], file: "no-tcp: true").settings.tcp == Settings().tcp)
        let resolved = try self.read(["no-tcp": ["true"]], [:], file: "tcp: [\"h:1\"]")
        #expect(try self.origin("tcp", resolved) == "command line")
    }

    @Test func `secrets are shown neither as values nor in errors`() throws {
        let secret = Setting(
            "password",
            "A secret.",
            valueName: "word",
            isSecret: true,
            show: { $0.scripts ?? "" },
            take: { values, settings throws(Refusal) in
                guard values != ["wrong"] else { throw Refusal("'wrong' is no password") }
                settings.scripts = values.last
            }
        )
        func reader(_ word: String) -> SettingsReader {
            SettingsReader(commandLine: [:], environment: ["LUAR_PASSWORD": word], file: nil, table: [secret])
        }
        #expect(try reader("hush").read().text(of: secret) == "(hidden)")
        #expect {
            try reader("wrong").read()
        } throws: { error in
            "\(error)" == "LUAR_PASSWORD in the environment: its value cannot be used"
        }
    }
}
