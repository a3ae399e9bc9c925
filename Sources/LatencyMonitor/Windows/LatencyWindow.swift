// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import DequeModule
internal import Histogram
internal import Scheduling

/// What a window holds, in numbers.
///
/// Times are in milliseconds, and nil where no ping was answered.
public struct WindowSummary: Sendable, Equatable, Encodable {
    /// Decided pings: answered, lost or refused.
    public var n = 0
    /// Those of them that were not answered in time.
    public var lost = 0
    /// Those that were answered after all; their times are among the others.
    public var late = 0
    /// The shortest round-trip time.
    public var min: Double?
    /// Half of the pings were answered at least this quickly.
    public var p50: Double?
    /// 90 of 100 were.
    public var p90: Double?
    /// 99 of 100 were.
    public var p99: Double?
    /// The longest round-trip time.
    public var max: Double?
    /// The share of decided pings that was lost, 0 to 1; nil without any.
    public var loss: Double?
    /// The smoothed mean difference between consecutive round-trip times, with the gain of RFC 3550, section 6.4.1:
    /// J += (|D| - J) / 16.
    public var jitter: Double?

    /// Nothing yet.
    public init() {}
}

/// The pings of the last minute, hour or other span.
///
/// Percentiles come from an HDR histogram of three significant digits; the span moves on by a sixtieth at a time, so that
/// what a window holds is as long as its name says, or at most a sixtieth less.
struct LatencyWindow {
    /// One sixtieth of the window: its round-trip times in whole microseconds, and how often each.
    private struct Slice {
        var number: Int64
        var times: [UInt64: UInt32] = [:]
        var decided = 0
        var lost = 0
        var late = 0
        var shortest = Duration.seconds(Int64.max / 2)
        var longest = Duration.zero
    }

    /// Slices of a window.
    private static let slices: Int64 = 60
    /// The longest time told apart from longer ones: pings are not waited for longer.
    private static let longestMicroseconds: UInt64 = 120_000_000

    private let sliceLength: Int64?
    private var slices: Deque<Slice> = []
    private var histogram = Histogram<UInt32>(
        highestTrackableValue: Self.longestMicroseconds,
        numberOfSignificantValueDigits: .three
    )
    private var jitter: Duration?
    private var last: Duration?

    /// Makes an empty window of a length; without one it keeps everything.
    init(_ length: Duration?) { self.sliceLength = length.map { $0.nanoseconds / Self.slices } }

    /// Adds a decided ping: its round-trip time, or nil if it was lost.
    mutating func add(_ time: Duration?, at moment: Moment) {
        let index = self.slice(at: moment)
        self.slices[index].decided += 1
        guard let time else {
            self.slices[index].lost += 1
            return
        }
        self.record(time, in: index)
        if let last = self.last {
            let difference = time > last ? time - last : last - time
            let jitter = self.jitter ?? .zero
            self.jitter = jitter + (difference - jitter) / 16
        }
        self.last = time
    }

    /// Adds the time of a reply to a ping that counts as lost.
    mutating func addLate(_ time: Duration, at moment: Moment) {
        let index = self.slice(at: moment)
        self.slices[index].late += 1
        self.record(time, in: index)
    }

    /// What the window holds at a moment.
    mutating func summary(at moment: Moment) -> WindowSummary {
        self.expire(at: moment)
        var summary = WindowSummary()
        var shortest: Duration?
        var longest: Duration?
        for slice in self.slices {
            summary.n += slice.decided
            summary.lost += slice.lost
            summary.late += slice.late
            guard !slice.times.isEmpty else { continue }
            shortest = Swift.min(shortest ?? slice.shortest, slice.shortest)
            longest = Swift.max(longest ?? slice.longest, slice.longest)
        }
        if summary.n > 0 { summary.loss = Double(summary.lost) / Double(summary.n) }
        guard let shortest, let longest else { return summary }
        summary.min = shortest.milliseconds
        summary.max = longest.milliseconds
        // The histogram answers with the end of a range of equivalent values, which nothing measured may have reached, and
        // it counts whole microseconds, which may be rounded down.
        let percentile = { (histogram: Histogram<UInt32>, rank: Double) in
            Swift.max(
                shortest.milliseconds,
                Swift.min(longest.milliseconds, Double(histogram.valueAtPercentile(rank)) / 1_000)
            )
        }
        summary.p50 = percentile(self.histogram, 50)
        summary.p90 = percentile(self.histogram, 90)
        summary.p99 = percentile(self.histogram, 99)
        summary.jitter = self.jitter?.milliseconds
        return summary
    }

    private mutating func record(_ time: Duration, in index: Int) {
        let microseconds = Swift.min(Self.longestMicroseconds, UInt64(Swift.max(0, time.nanoseconds + 500) / 1_000))
        self.histogram.record(microseconds)
        self.slices[index].times[self.histogram.lowestEquivalentForValue(microseconds), default: 0] += 1
        self.slices[index].shortest = Swift.min(self.slices[index].shortest, time)
        self.slices[index].longest = Swift.max(self.slices[index].longest, time)
    }

    /// The place of the slice that a moment belongs to.
    private mutating func slice(at moment: Moment) -> Int {
        self.expire(at: moment)
        let number = self.sliceLength.map { moment.nanoseconds / $0 } ?? 0
        // A late reply's ping may be older than the newest slice; what is older than all of them counts with the oldest.
        if let index = self.slices.lastIndex(where: { $0.number <= number }) {
            if self.slices[index].number == number || index < self.slices.count - 1 { return index }
        } else if !self.slices.isEmpty {
            return 0
        }
        self.slices.append(Slice(number: number))
        return self.slices.count - 1
    }

    /// Lets go of what is older than the window.
    private mutating func expire(at moment: Moment) {
        guard let length = self.sliceLength else { return }
        let oldest = moment.nanoseconds / length - Self.slices + 1
        guard let first = self.slices.first, first.number < oldest else { return }
        while let first = self.slices.first, first.number < oldest { self.slices.removeFirst() }
        self.histogram.reset()
        for slice in self.slices {
            for (time, count) in slice.times { self.histogram.record(time, count: count) }
        }
        if self.slices.allSatisfy({ $0.times.isEmpty }) { (self.jitter, self.last) = (nil, nil) }
    }
}
