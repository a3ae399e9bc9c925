// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CCurl
internal import Foundation

#if canImport(Glibc)
internal import Glibc
#endif

/// One attempt to hand a mail to a server, by libcurl.
///
/// Confined to the thread that runs it, which waits until it is over.
final class SMTPDelivery {
    /// Loaded once for the process, by whoever comes first.
    private static let isReady: Bool = {
        // libcurl ignores SIGPIPE while it ends a connection, and then puts back what was in force. Where several threads
        // do so, one can put the default back while another still writes, or after another part of the process had it
        // ignored. Ignored from the beginning, it stays so.
        signal(SIGPIPE, SIG_IGN)
        return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }()

    private let settings: MailSettings
    private let message: [UInt8]
    private let isStopping: () -> Bool
    private let onLine: (String) -> Void
    private var position = 0
    private var dialogue: SMTPDialogue

    /// Prepares an attempt.
    ///
    /// - Parameters:
    ///   - message: Header and body, with CRLF for every line break.
    ///   - settings: How it is sent.
    ///   - isStopping: Asked about once a second whether to give up.
    ///   - onLine: Told of the dialogue.
    init(
        _ message: [UInt8],
        with settings: MailSettings,
        isStopping: @escaping () -> Bool,
        onLine: @escaping (String) -> Void = { _ in }
    ) {
        self.settings = settings
        self.message = message
        self.isStopping = isStopping
        self.onLine = onLine
        self.dialogue = SMTPDialogue(login: settings.login)
    }

    /// Delivers the mail to these recipients, all or none.
    func run(from: String, to recipients: [String]) -> DeliveryOutcome {
        // Checked where addresses come from; libcurl would put a line break into the dialogue as it is.
        for mailbox in [from] + recipients {
            guard (try? MailAddress(mailbox))?.mailbox == mailbox else {
                return .refused(reason: "the mail has an address that is none")
            }
        }
        guard Self.isReady, let handle = curl_easy_init() else {
            return .unreachable(reason: "libcurl cannot be used", isMailAtFault: false)
        }
        defer { curl_easy_cleanup(handle) }
        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        for mailbox in recipients {
            guard let longer = curl_slist_append(list, mailbox) else {
                return .unreachable(reason: "there is no memory to send mail", isMailAtFault: false)
            }
            list = longer
        }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CURL_ERROR_SIZE)) { words in
            words.initialize(repeating: 0)
            var listener = self.listener
            return withUnsafeMutablePointer(to: &listener) { listener in
                var code = self.configure(handle, from: from)
                if code == CURLE_OK { code = ccurl_set_list(handle, CURLOPT_MAIL_RCPT, list) }
                if code == CURLE_OK { code = ccurl_set_error_buffer(handle, words.baseAddress) }
                if code == CURLE_OK { code = ccurl_listen(handle, listener) }
                guard code == CURLE_OK else {
                    let why = String(cString: curl_easy_strerror(code))
                    return .unreachable(reason: "libcurl does not take the settings: \(why)", isMailAtFault: false)
                }
                return self.judge(curl_easy_perform(handle), handle, words)
            }
        }
    }

    private func judge(_ code: CURLcode, _ handle: UnsafeMutableRawPointer, _ words: UnsafeMutableBufferPointer<CChar>)
        -> DeliveryOutcome
    {
        let text = words.baseAddress.map { String(cString: $0) } ?? ""
        return SMTPVerdict(
            server: self.settings.server,
            hasLogin: self.settings.login != nil,
            dialogue: self.dialogue,
            code: code,
            words: self.dialogue.shown(text.utf8),
            systemError: CInt(clamping: ccurl_number(handle, CURLINFO_OS_ERRNO)),
            isFlooded: self.isFlooded,
            isStopped: self.isStopping()
        )
        .outcome
    }

    // MARK: Settings of libcurl

    private func configure(_ handle: UnsafeMutableRawPointer, from: String) -> CURLcode {
        let (server, limits) = (self.settings.server, self.settings.limits)
        let scheme = server.security == .tls ? "smtps" : "smtp"
        let numbers: [(CURLoption, Int)] = [
            // Threads and signals do not go together.
            (CURLOPT_NOSIGNAL, 1),
            (CURLOPT_UPLOAD, 1),
            // All: without TLS libcurl ends, before it says anything but EHLO.
            (CURLOPT_USE_SSL, Int(server.security == .none ? CURLUSESSL_NONE.rawValue : CURLUSESSL_ALL.rawValue)),
            (CURLOPT_SSL_VERIFYPEER, 1),
            (CURLOPT_SSL_VERIFYHOST, 2),
            (CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            (CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue)),
            (CURLOPT_CONNECTTIMEOUT_MS, limits.connectTimeout.milliseconds),
            (CURLOPT_SERVER_RESPONSE_TIMEOUT, max(1, limits.replyTimeout.milliseconds / 1_000)),
            (CURLOPT_TIMEOUT_MS, limits.totalTimeout.milliseconds),
            // The connection is closed by this attempt, within its limits, and not by the handle's end, without any.
            (CURLOPT_FORBID_REUSE, 1),
            (CURLOPT_FRESH_CONNECT, 1),
            // A resolver that hangs does not keep us.
            (CURLOPT_QUICK_EXIT, 1),
        ]
        var texts: [(CURLoption, String?)] = [
            (CURLOPT_URL, "\(scheme)://\(server.name)/\(Self.ownName)"),
            (CURLOPT_PROTOCOLS_STR, "smtp,smtps"),
            (CURLOPT_REDIR_PROTOCOLS_STR, "smtp,smtps"),
            // Empty: none, whatever the environment says.
            (CURLOPT_PROXY, ""),
            (CURLOPT_NOPROXY, "*"),
            (CURLOPT_MAIL_FROM, "<\(from)>"),
        ]
        if let login = self.settings.login, server.security != .none {
            texts += [(CURLOPT_USERNAME, login.user), (CURLOPT_PASSWORD, login.password)]
        }
        if let authorities = self.settings.authorities {
            texts += [(CURLOPT_CAINFO, authorities), (CURLOPT_CAPATH, nil)]
        }
        for (option, value) in numbers {
            let code = ccurl_set_number(handle, option, value)
            guard code == CURLE_OK else { return code }
        }
        for (option, value) in texts {
            let code = ccurl_set_text(handle, option, value)
            guard code == CURLE_OK else { return code }
        }
        return ccurl_set_size(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(self.message.count))
    }

    /// What we call ourselves in EHLO: this machine's name if it has the form of one.
    private static var ownName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, 255) == 0 else { return "localhost" }
        let name = buffer.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return MailServer.isHostName(name[...]) ? name : "localhost"
    }

    // MARK: What libcurl asks

    private var isFlooded: Bool { self.dialogue.replyBytes > self.settings.limits.mostReplyBytes }

    private var listener: ccurl_listener {
        ccurl_listener(
            read: { buffer, capacity, context in
                guard let buffer, let delivery = SMTPDelivery.at(context) else { return 0 }
                return delivery.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: capacity))
            },
            show: { kind, bytes, count, context in
                SMTPDelivery.at(context)?.show(kind, UnsafeRawBufferPointer(start: bytes, count: count))
            },
            is_over: { context in
                guard let delivery = SMTPDelivery.at(context) else { return 1 }
                return delivery.isFlooded || delivery.dialogue.isParting || delivery.isStopping() ? 1 : 0
            },
            // It waits in `run` while libcurl calls back, so it is there.
            context: Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> SMTPDelivery? {
        context.map { Unmanaged<SMTPDelivery>.fromOpaque($0).takeUnretainedValue() }
    }

    private func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, self.message.count - self.position)
        self.message.withUnsafeBytes {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[self.position..<self.position + count]))
        }
        self.position += count
        return count
    }

    /// Words of libcurl's that help to see what is wrong with a connection; the rest of them is not shown.
    private static let tellingWords = [
        "Trying ", "Connected to ", "SSL connection using", "subject:", "start date:", "expire date:", "issuer:",
        "subjectAltName",
        "SSL certificate", "STARTTLS",
    ]

    private func show(_ kind: curl_infotype, _ bytes: UnsafeRawBufferPointer) {
        switch kind {
        case CURLINFO_HEADER_OUT: self.onLine("> " + self.dialogue.said(bytes))
        case CURLINFO_HEADER_IN: self.onLine("< " + self.dialogue.heard(bytes))
        case CURLINFO_DATA_OUT:
            let isFirst = self.dialogue.messageBytes == 0
            self.dialogue.sent(bytes.count)
            if isFirst { self.onLine("> (\(self.message.count) bytes of message)") }
        case CURLINFO_TEXT:
            let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if text.hasPrefix("Connected to ") { self.dialogue.connected() }
            if Self.tellingWords.contains(where: text.hasPrefix) { self.onLine("* " + self.dialogue.shown(text.utf8)) }
        default: break
        }
    }
}

extension Duration {
    /// Whole milliseconds, as many as libcurl takes, and 1 at the least: it takes 0 for no limit.
    var milliseconds: Int {
        let (seconds, attoseconds) = self.components
        return max(1, Int(min(seconds, 2_000_000)) * 1_000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
