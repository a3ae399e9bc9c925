// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import CCurl

#if canImport(Glibc)
internal import Glibc
#endif

/// Says what became of a delivery, from the dialogue with the server and what libcurl says of its end.
struct SMTPVerdict {
    var server: MailServer
    var hasLogin: Bool
    var dialogue: SMTPDialogue
    var code: CURLcode
    /// libcurl's own words, safe to show.
    var words: String
    /// The system's error number of a connection that failed; 0 if it has none.
    var systemError: CInt
    /// Whether we gave up because of what the server sent.
    var isFlooded: Bool
    /// Whether we gave up because we are to end.
    var isStopped: Bool

    /// Codes that say that a login is wanted, or wrong (RFC 4954, section 6).
    private static let loginCodes: Set<Int> = [530, 534, 535, 538]

    private var name: String { self.server.name }

    var outcome: DeliveryOutcome {
        // Once the server has said yes, it does not matter how the parting went.
        if self.dialogue.isTaken { return .delivered }
        if self.isStopped { return .aborted }
        // libcurl has a bound of its own, and no code for it.
        if self.isFlooded || self.words.hasPrefix("Too large response headers") {
            return self.unreachable("\(self.name) sends replies without end (\(self.place))")
        }
        if let trust = self.trustProblem { return .blocked(.tls, reason: trust) }
        if let reply = self.dialogue.reply, reply.code >= 400, self.code != CURLE_OPERATION_TIMEDOUT {
            return self.judged(reply)
        }
        switch self.code {
        case CURLE_LOGIN_DENIED, CURLE_AUTH_ERROR:
            return .blocked(.login, reason: "\(self.name) offers no way to log in that we know")
        case CURLE_OPERATION_TIMEDOUT:
            return self.unreachable("\(self.name) did not answer in time (\(self.place))")
        case CURLE_COULDNT_RESOLVE_HOST:
            return self.unreachable("cannot find the address of \(self.server.host)")
        case CURLE_COULDNT_CONNECT:
            let why = self.systemError == 0 ? self.words : String(cString: strerror(self.systemError))
            return self.unreachable("cannot connect to \(self.name): \(why)")
        case CURLE_WEIRD_SERVER_REPLY, CURLE_REMOTE_ACCESS_DENIED:
            return self.unreachable("\(self.name) does not answer like a mail server (\(self.place)\(self.quoted))")
        case CURLE_OK:
            return self.unreachable("\(self.name) did not say that it took the mail (\(self.place))")
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SSL_CONNECT_ERROR:
            return self.unreachable("\(self.name) closed the connection (\(self.place))")
        default:
            return self.unreachable(
                "\(self.name): \(self.words.isEmpty ? String(cString: curl_easy_strerror(self.code)) : self.words) (\(self.place))"
            )
        }
    }

    /// What the server's own words mean: 4xx passes, 5xx stays (RFC 5321, section 4.2.1).
    private func judged(_ reply: SMTPDialogue.Reply) -> DeliveryOutcome {
        let stage = self.dialogue.stage
        let reason = "\(self.name) answered \(self.what) with \"\(reply.text)\""
        let isForGood = reply.code >= 500
        if isForGood, stage == .auth || Self.loginCodes.contains(reply.code) {
            let hint =
                self.hasLogin
                ? (self.dialogue.hasLoggedIn ? "" : "; it offered no login before that") : "; no login is set"
            return .blocked(.login, reason: reason + hint)
        }
        if stage == .startTLS, isForGood { return .blocked(.tls, reason: reason + "; nothing was sent in clear text") }
        // 421 announces that the server closes the connection: that is no word on the mail.
        if stage < .mail || reply.code == 421 { return self.unreachable(reason) }
        return isForGood ? .refused(reason: reason) : .delayed(reason: reason)
    }

    /// What is wrong with the server's TLS, if that ended it.
    private var trustProblem: String? {
        let rest = "; nothing was sent in clear text"
        switch self.code {
        case CURLE_USE_SSL_FAILED where self.dialogue.stage == .ehlo:
            return "\(self.name) does not offer STARTTLS\(rest)"
        case CURLE_WEIRD_SERVER_REPLY where self.dialogue.stage == .handshake:
            return
                "\(self.name) sent more than its reply to STARTTLS, which somebody on the way may have put there\(rest)"
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            // Only this is mended by trusting somebody else.
            let isIssuers = self.words.contains("issuer certificate") || self.words.contains("self-signed")
            let hint = isIssuers ? "; --smtp-ca FILE names an authority of your own" : ""
            return "the certificate of \(self.name) is not to be trusted: \(self.words)\(hint)\(rest)"
        case CURLE_SSL_CACERT_BADFILE:
            return "the certificates of the authorities to trust cannot be used: \(self.words)"
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CLIENTCERT:
            // A connection that broke says nothing of TLS.
            guard self.systemError == 0, !self.words.contains("SYSCALL"), !self.words.contains("unexpected eof"),
                !self.words.contains("reset by peer")
            else { return nil }
            return "TLS with \(self.name) failed: \(self.words)\(rest)"
        default: return nil
        }
    }

    private func unreachable(_ reason: String) -> DeliveryOutcome {
        .unreachable(reason: reason, isMailAtFault: self.dialogue.stage >= .mail)
    }

    /// What was answered, or not.
    private var what: String {
        switch self.dialogue.stage {
        case .connecting, .greeting: "the connection"
        case .handshake: "STARTTLS"
        case .message: "the message"
        default: self.dialogue.stage.rawValue
        }
    }

    private var place: String {
        switch self.dialogue.stage {
        case .connecting: "connecting"
        case .greeting: "before its greeting"
        case .handshake: "in the TLS handshake"
        case .message: "after the message"
        default: "after \(self.dialogue.stage.rawValue)"
        }
    }

    private var quoted: String { self.dialogue.reply.map { ", \"\($0.text)\"" } ?? "" }
}
