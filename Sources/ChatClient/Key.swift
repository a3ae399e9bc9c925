// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What a person does on a keyboard, or pastes.
enum Key: Equatable {
    /// Characters to insert.
    case text(String)
    case enter
    case backspace
    case delete
    case left
    case right
    case wordLeft
    case wordRight
    case home
    case end
    case up
    case down
    case deleteWordLeft
    case deleteWordRight
    case deleteToHome
    case deleteToEnd
    /// Inserts what was deleted last by word or line.
    case yank
    case redraw
    case interrupt
    /// Ctrl-D: the end of input on an empty line, else as Delete.
    case endOfInput
    case suspend
}
