// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Alerts on their way from a measurement to a mail server, with `luar` as a process.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Certificates.shared != nil, "needs openssl"))
struct AlertMailTests {
    private let user = "ana@example.com"
    private let password = "segredo-d0-correio"

    /// Runs aiosmtpd with STARTTLS and a login, and passes what `luar` needs to use it.
    private func smtp(_ body: (LiveMailServer, [String], [String: String]) async throws -> Void) async throws {
        let certificates = try #require(Certificates.shared)
        let arguments = [certificates.certificate("good"), certificates.key, self.user, self.password]
        try await LiveMailServer.run("aiosmtpd_server.py", arguments: arguments) { server in
            try await body(
                server,
                ["--smtp", "localhost:\(server.port)", "--smtp-ca", certificates.authority],
                ["LUAR_SMTP_USER": self.user, "LUAR_SMTP_PASSWORD": self.password]
            )
        }
    }

    private func luar(
        _ arguments: [String],
        in folder: TemporaryFolder,
        environment: [String: String] = [:],
        _ body: (Program) async throws -> Void = { _ in }
    ) async throws -> (output: String, error: String, code: Int32) {
        try await Program.run(Program.luar, arguments, in: folder.path, environment: environment) { program in
            try await body(program)
            let code = try program.exitCode()
            return (program.output, program.error, code)
        }
    }

    /// The mails of a spool folder: identifiers and subjects.
    private func queue(_ folder: TemporaryFolder) async throws -> [(id: String, state: String, subject: String)] {
        struct Listing: Decodable {
            struct Mail: Decodable {
                var id: String
                var state: String
                var subject: String
            }
            var mails: [Mail]
        }
        let (output, error, code) = try await self.luar(
            ["mail", "queue", "--mail-spool", "spool", "--json"],
            in: folder
        )
        try #require(code == 0, "\(error)")
        return try JSONDecoder().decode(Listing.self, from: Data(output.utf8)).mails
            .map { ($0.id, $0.state, $0.subject) }
    }

    /// A mail's text, its transfer encoding undone by Python.
    private func read(_ messages: [[UInt8]]) async throws -> [(subject: String, text: String)] {
        let script = """
            import base64, email, email.policy, json, sys
            for line in sys.stdin:
                mail = email.message_from_bytes(base64.b64decode(line), policy=email.policy.default)
                assert not mail.defects, mail.defects
                print(json.dumps([mail["Subject"], mail.get_body().get_content().replace("\\r\\n", "\\n")]))
            """
        let folder = try TemporaryFolder(["read.py": script])
        defer { folder.remove() }
        return try await Python.run(["\(folder.path)/read.py"]) { python in
            for message in messages { python.type(Data(message).base64EncodedString()) }
            python.endInput()
            let code = try python.exitCode()
            try #require(code == 0, "\(python.error)")
            return try python.output.split(separator: "\n")
                .map { line in
                    let pair = try JSONDecoder().decode([String].self, from: Data(line.utf8))
                    return (pair[0], pair[1])
                }
        }
    }

    @Test func `every measurement is mailed in the original's words, and its delivery is told`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let closed = try DatagramPeer.closed()
        try await self.smtp { server, options, environment in
            let target = "127.0.0.1:\(closed.port)"
            let arguments = ["monitor", target, "--interval", "300ms", "--count", "3", "--mail-to", "bia@example.com"]
            let run = try await self.luar(
                arguments + options + ["--mail-spool", "spool"],
                in: folder,
                environment: environment
            )
            #expect(run.code == 1)
            try server.takes(1)
            let mails = try await self.read(server.messages.map(\.bytes))
            #expect(mails.first?.subject == "Alerta de latência: Inativa")
            #expect(mails.first?.text == "A conexão ao \(target) está Inativa.\nLatência: Sem Resposta")
            #expect(server.messages.allSatisfy { $0.to == ["bia@example.com"] })
            #expect(server.heard.allSatisfy { $0.login != false })
            let lines = run.output.split(separator: "\n")
            #expect(lines.count { $0 == "Conexão Inativa." } == 3, "\(run.output)")
            // Those that come while another is being sent may go as one.
            #expect(lines.count { $0 == "E-mail de conexão enviado: Inativa" } == mails.count, "\(run.output)")
            #expect(lines.count == 3 + mails.count)
            #expect(!(run.output + run.error).contains(self.password))
            #expect(try await self.queue(folder).isEmpty)
        }
    }

    @Test func `what waits on the disk when the monitor is killed is delivered by the next one, newest first`()
        async throws
    {
        let script = """
            local n = 0
            relay.on("alert", function() n = n + 1; return { subject = "mail " .. n, text = "number " .. n } end)
            """
        let folder = try TemporaryFolder(["numbers.lua": script])
        defer { folder.remove() }
        let closed = try DatagramPeer.closed()
        let base = ["monitor", "127.0.0.1:\(closed.port)", "--scripts", ".", "--mail-to", "bia@example.com"]
        let spool = ["--mail-spool", "spool"]
        // Nobody listens there: everything waits.
        let nowhere = ["--smtp", "127.0.0.1:1"]
        for round in 1...3 {
            let arguments = base + spool + nowhere + ["--interval", "20ms"]
            try await Program.run(Program.luar, arguments, in: folder.path) { monitor in
                let waiting = "\(folder.path)/spool/waiting"
                try poll("mails wait: \(monitor.error)") {
                    ((try? FileManager.default.contentsOfDirectory(atPath: waiting))?.count ?? 0) >= 5 * round
                }
                monitor.signal(SIGKILL)
                _ = try monitor.exitCode()
            }
        }
        let kept = try await self.queue(folder)
        #expect(kept.count >= 15)
        #expect(kept.allSatisfy { $0.state == "waiting" })
        try await self.smtp { server, options, environment in
            let arguments = base + spool + options
            let run = try await self.luar(
                arguments + ["--interval", "1s", "--count", "1"],
                in: folder,
                environment: environment
            )
            #expect(run.code == 1)
            try server.takes(2)
            let mails = try await self.read(server.messages.map(\.bytes))
            // Subjects come three times, once a run: each is in a mail or in a line of a digest.
            let all = mails.map { $0.subject + "\n" + $0.text }.joined(separator: "\n")
            for subject in Set(kept.map(\.subject)) { #expect(all.contains(subject), "\(subject) in \(all)") }
            let newest = kept.max { $0.id < $1.id }?.subject
            #expect(mails.first?.subject == newest || mails.first?.subject == "mail 1", "\(mails.map(\.subject))")
            #expect(try await self.queue(folder).isEmpty)
        }
    }

    @Test func `a killed monitor loses nothing that was on the disk, whatever it was doing`() async throws {
        let folder = try TemporaryFolder([
            "numbers.lua": """
            relay.on("alert", function(report)
              return { subject = ("mail %.6f"):format(report.sample.time), text = "x" }
            end)
            """
        ])
        defer { folder.remove() }
        let closed = try DatagramPeer.closed()
        try await self.smtp { server, options, environment in
            let base =
                ["monitor", "127.0.0.1:\(closed.port)", "--scripts", ".", "--mail-to", "bia@example.com"]
                + ["--mail-spool", "spool"] + options
            var seen: Set<String> = []
            var random = SplitMix64(seed: 5)
            for _ in 0..<6 {
                let pause = Int(random.next() % 400)
                try await Program.run(
                    Program.luar,
                    base + ["--interval", "15ms"],
                    in: folder.path,
                    environment: environment
                ) { monitor in
                    try monitor.prints("Conexão Inativa.")
                    try await Task.sleep(for: .milliseconds(pause))
                    monitor.signal(SIGKILL)
                    _ = try monitor.exitCode()
                }
                for mail in try await self.queue(folder) where mail.subject.hasPrefix("mail ") {
                    seen.insert(mail.subject)
                }
            }
            _ = try await self.luar(base + ["--interval", "1s", "--count", "1"], in: folder, environment: environment)
            #expect(try await self.queue(folder).isEmpty)
            let mails = try await self.read(server.messages.map(\.bytes))
            let all = mails.map { $0.subject + "\n" + $0.text }.joined(separator: "\n")
            #expect(!seen.isEmpty)
            for subject in seen { #expect(all.contains(subject), "\(subject)") }
        }
    }

    @Test func `a test mail shows what is said, and no secret`() async throws {
        let folder = try TemporaryFolder(["password": "\(self.password)\n"])
        defer { folder.remove() }
        try await self.smtp { server, options, _ in
            let login = ["--smtp-user", self.user, "--smtp-password-file", "password"]
            let run = try await self.luar(["mail", "test", "--to", "bia@example.com"] + options + login, in: folder)
            #expect(run.code == 0, "\(run.error)")
            #expect(run.output.contains("> STARTTLS\n"))
            #expect(run.output.contains("> RCPT TO:<bia@example.com>\n"))
            #expect(run.output.hasSuffix("sent to bia@example.com\n"))
            let secrets = [self.password, Data("\0\(self.user)\0\(self.password)".utf8).base64EncodedString()]
            for secret in secrets { #expect(!(run.output + run.error).contains(secret)) }
            try server.takes(1)
            let wrong = try await self.luar(
                ["mail", "test", "--to", "bia@example.com"] + options,
                in: folder,
                environment: ["LUAR_SMTP_USER": self.user, "LUAR_SMTP_PASSWORD": "wr0ng"]
            )
            #expect(wrong.code == 1)
            #expect(wrong.error.contains("answered AUTH with \"535"), "\(wrong.error)")
            #expect(!(wrong.output + wrong.error).contains("wr0ng"))
        }
        let nobody = try await self.luar(["mail", "test"], in: folder)
        #expect(nobody.code == 1)
        #expect(nobody.error.contains("say to whom, with --to ADDRESS"), "\(nobody.error)")
    }

    @Test func `an empty queue is said to be empty, and a folder that another monitor has is refused`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let queue = try await self.luar(["mail", "queue", "--mail-spool", "spool"], in: folder)
        #expect(queue.output == "no mails in spool\n")
        let arguments = [
            "monitor", "--interval", "10s", "--mail-to", "a@b.c", "--mail-spool", "spool", "--smtp", "127.0.0.1:1",
        ]
        try await Program.run(Program.luar, arguments, in: folder.path) { monitor in
            try monitor.prints("Conexão ")
            let second = try await self.luar(arguments, in: folder)
            #expect(second.code == 1)
            #expect(second.error.contains("spool"), "\(second.error)")
            #expect(second.output == "")
        }
    }

    @Test(.enabled(if: Program.exists("tmux"), "needs tmux"))
    func `the login is asked on the terminal in the original's words, and the password is not shown`() async throws {
        try await self.smtp { server, options, _ in
            let closed = try DatagramPeer.closed()
            let screen = try Screen(columns: 120, rows: 30)
            defer { screen.close() }
            let arguments = [
                "monitor", "127.0.0.1:\(closed.port)", "--count", "1", "--mail-login", "--mail-spool", "spool",
            ]
            try screen.enter("clear; " + ([Program.luar] + arguments + options).joined(separator: " "))
            try screen.shows("Digite o endereço de e-mail:")
            #expect(
                screen.text.hasPrefix(
                    "Para testes, utilize o Ethereal Mail para enviar e-mails.\nDigite o endereço de e-mail:"
                )
            )
            try screen.enter(self.user)
            try screen.shows("Digite a senha:")
            try screen.type("wrong")
            try screen.press("C-u")
            try screen.enter(self.password)
            try screen.shows("E-mail de conexão enviado: Inativa")
            #expect(!screen.history.contains("segredo") && !screen.history.contains("wrong"))
            try server.takes(1)
            // Whoever logs in is told.
            #expect(server.messages.first?.to == [self.user])
            // The terminal shows again what is typed.
            try screen.shows("Times are in milliseconds.")
            try screen.enter("echo back")
            try screen.shows("\nback")
        }
    }

    @Test(.enabled(if: Program.exists("tmux"), "needs tmux"))
    func `Ctrl-C at the password ends it, and the terminal is itself again`() throws {
        let screen = try Screen(columns: 100, rows: 20)
        defer { screen.close() }
        try screen.enter("\(Program.luar) monitor --mail-login --mail-spool spool; echo code $?; stty -a")
        try screen.shows("Digite o endereço de e-mail:")
        try screen.enter(self.user)
        try screen.shows("Digite a senha:")
        try screen.type("half")
        try screen.press("C-c")
        try screen.shows("code 130")
        try screen.shows(" echo ")
        #expect(!screen.history.contains("half"))
        try screen.enter("echo back")
        try screen.shows("\nback")
    }

    @Test(.enabled(if: Program.exists("tmux"), "needs tmux"), arguments: ["TERM", "INT", "HUP"])
    func `a signal at the password leaves the terminal as it was`(name: String) throws {
        let screen = try Screen(columns: 100, rows: 40)
        defer { screen.close() }
        try screen.enter(
            "sh -c 'echo $$ > pid; exec \(Program.luar) monitor --mail-login --mail-spool spool'; echo code $?; stty -a"
        )
        try screen.shows("Digite o endereço de e-mail:")
        try screen.enter(self.user)
        try screen.shows("Digite a senha:")
        let pid = try String(contentsOfFile: "\(screen.path)/pid", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        kill(try #require(pid_t(pid)), ["TERM": SIGTERM, "INT": SIGINT, "HUP": SIGHUP][name] ?? 0)
        try screen.shows("code 1")
        try screen.shows(" echo ")
    }

    @Test func `one sample of a target that is down is enough for an alert, once re-probes are lost, too`() async throws
    {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let closed = try DatagramPeer.closed()
        try await self.smtp { server, options, environment in
            let arguments =
                ["monitor", "127.0.0.1:\(closed.port)", "--count", "1", "--set", "alerts.notify=change"]
                + ["--mail-to", "bia@example.com", "--mail-spool", "spool"]
            _ = try await self.luar(arguments + options, in: folder, environment: environment)
            try server.takes(1)
            let mails = try await self.read(server.messages.map(\.bytes))
            #expect(mails.map(\.subject) == ["Alerta de latência: Inativa"])
        }
    }

    @Test func `a login through a pipe needs no terminal`() async throws {
        let folder = try TemporaryFolder([:])
        defer { folder.remove() }
        let arguments = ["monitor", "--mail-login", "--mail-spool", "spool", "--count", "1", "--smtp", "127.0.0.1:1"]
        let none = try await self.luar(arguments, in: folder) { $0.endInput() }
        #expect(none.code == 1)
        #expect(none.error.contains("nobody answered who you are to the mail server"))
    }

    @Test func `a script of a relay that measures nothing sends mail of its own`() async throws {
        try await self.smtp { server, options, environment in
            let script = """
                relay.on("message", function(m)
                  print(relay.mail({ subject = "Olá", text = m.text, to = { "ana@example.com", "bia@example.com" } }))
                end)
                """
            let mail = ["--mail-to", "eva@example.com", "--mail-spool", "spool", "--scripts", "."]
            try await LiveServe.run(mail + options, environment: environment, files: ["t.lua": script]) { relay, port in
                let ana = try Peer(port: port)
                ana.send("help")
                try relay.logs("notice true")
                try server.takes(2)
                try relay.prints("E-mail de conexão enviado: Olá")
            }
            #expect(server.messages.flatMap(\.to).sorted() == ["ana@example.com", "bia@example.com"])
            let mails = try await self.read(server.messages.map(\.bytes))
            #expect(mails.map(\.subject) == ["Olá", "Olá"])
        }
    }
}
