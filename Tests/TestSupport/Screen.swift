// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A real terminal of a test's own: tmux, with one shell in it.
package final class Screen {
    private let folder: TemporaryFolder
    private let socket: String

    /// Opens a terminal and waits for its shell.
    package init(columns: Int, rows: Int) throws {
        self.folder = try TemporaryFolder([:])
        self.socket = self.folder.path + "/tmux"
        // A prompt that nothing else prints, and no history on the disk.
        let shell = "env -u LUAR_CONFIG PS1='[ready] ' LC_ALL=C.UTF-8 HISTFILE= bash --norc --noprofile"
        try self.tmux([
            "-f", "/dev/null", "-u", "new-session", "-d", "-c", self.path, "-s", "a", "-x", "\(columns)", "-y",
            "\(rows)", shell,
        ])
        try self.shows("[ready]")
    }

    /// Ends the terminal and everything in it.
    package func close() {
        let processes = (try? self.tmux(["display-message", "-p", "-t", "a", "#{pane_pid} #{pid}"])) ?? ""
        _ = try? self.tmux(["kill-server"])
        // A program that Foundation starts has all signals blocked, and so has what it starts: it waits for ever for its
        // shell, which does not hear that it is to end.
        for process in processes.split(whereSeparator: \.isWhitespace).compactMap({ pid_t($0) }) {
            kill(process, SIGKILL)
        }
        self.folder.remove()
    }

    /// The folder in which its shell starts.
    package var path: String { self.folder.path }

    /// What is on the screen, without the blanks at the ends of lines and below the last one.
    package var text: String {
        ((try? self.tmux(["capture-pane", "-p", "-t", "a"])) ?? "").replacing(#/\n+$/#, with: "")
    }

    /// What is on the screen and above it, with lines that the terminal broke put together.
    package var history: String { (try? self.tmux(["capture-pane", "-p", "-J", "-S", "-", "-t", "a"])) ?? "" }

    /// The position of the cursor: column and row, from 0.
    package var cursor: String {
        ((try? self.tmux(["display-message", "-p", "-t", "a", "#{cursor_x},#{cursor_y}"])) ?? "")
            .replacing("\n", with: "")
    }

    /// Types text as it is.
    package func type(_ text: String) throws { try self.tmux(["send-keys", "-t", "a", "-l", text]) }

    /// Presses keys by tmux's names: `Enter`, `C-c`, `Up`.
    package func press(_ keys: String...) throws { try self.tmux(["send-keys", "-t", "a"] + keys) }

    /// Types a line and ends it.
    package func enter(_ line: String) throws {
        try self.type(line)
        try self.press("Enter")
    }

    /// Pastes a text, marked as a paste where the program in the terminal has asked for that.
    package func paste(_ text: String) throws {
        let file = self.folder.path + "/paste"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        try self.tmux(["load-buffer", file])
        try self.tmux(["paste-buffer", "-p", "-t", "a"])
    }

    package func resize(columns: Int, rows: Int) throws {
        try self.tmux(["resize-window", "-t", "a", "-x", "\(columns)", "-y", "\(rows)"])
    }

    /// Waits until a text is on the screen.
    package func shows(_ text: String) throws {
        try poll("'\(text)' on the screen:\n\(self.text)") { self.text.contains(text) }
    }

    /// Waits until the screen has exactly these lines.
    package func shows(lines: [String]) throws {
        try poll("\(lines) on the screen:\n\(self.text)") { self.text == lines.joined(separator: "\n") }
    }

    /// Runs tmux and returns what it prints.
    ///
    /// Not with Foundation's Process, which waits until all descendants are gone: the first command leaves a server.
    @discardableResult
    private func tmux(_ arguments: [String]) throws -> String {
        let file = self.folder.path + "/tmux.out"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // The server must not keep the pipes of programs that other tests run at the same time.
        let close =
            "for fd in /proc/self/fd/*; do fd=${fd##*/}; [ $fd -gt 2 ] && eval \"exec $fd>&-\"; done; exec tmux \"$@\""
        var words = (["bash", "-c", close, "tmux", "-S", self.socket] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, "bash", &actions, nil, &words, environ)
        guard code == 0 else { throw NeverHappened(description: "tmux starts: \(String(cString: strerror(code)))") }
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
    }
}
