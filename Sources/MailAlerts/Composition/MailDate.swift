// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation

#if canImport(Glibc)
internal import Glibc
#endif

/// Points in time as mails and people write them, by the local clock.
enum MailDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// As in a Date field (RFC 5322, section 3.3): `Sun, 22 Nov 2026 23:45:35 +0000`.
    static func field(_ date: Date) -> String {
        let parts = self.parts(date)
        return "\(self.days[Int(parts.tm_wday)]), \(parts.tm_mday) \(self.months[Int(parts.tm_mon)]) "
            + "\(self.padded(Int(parts.tm_year) + 1_900, 4)) \(self.time(parts)) \(self.offset(parts))"
    }

    /// For people, sortable: `2026-11-22 23:45:35 +0000`.
    static func short(_ date: Date) -> String {
        let parts = self.parts(date)
        let day = [Int(parts.tm_year) + 1_900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
        return day.map { self.padded($0, 2) }.joined(separator: "-") + " \(self.time(parts)) \(self.offset(parts))"
    }

    private static func parts(_ date: Date) -> tm {
        // Years that a date field cannot hold come from damaged files.
        var seconds = time_t(min(max(date.timeIntervalSince1970, 0), 253_402_214_400))
        var parts = tm()
        localtime_r(&seconds, &parts)
        return parts
    }

    private static func time(_ parts: tm) -> String {
        [parts.tm_hour, parts.tm_min, min(parts.tm_sec, 59)].map { self.padded(Int($0), 2) }.joined(separator: ":")
    }

    private static func offset(_ parts: tm) -> String {
        let minutes = abs(parts.tm_gmtoff) / 60
        return (parts.tm_gmtoff < 0 ? "-" : "+") + self.padded(minutes / 60, 2) + self.padded(minutes % 60, 2)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
