// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

internal import Foundation
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// The prober cannot start.
public struct ProberError: Error, Sendable {
    /// The system's error number.
    public var code: Int32
}

/// Pings targets on a thread that does nothing else, so that nothing this program does delays a ping.
///
/// The wire is the original's: the text `ping` in a datagram, answered by the same. Each ping goes out from a socket of its
/// own, connected to its target, so that a reply can answer no other one, and is timed by the kernel's receive time.
public final class Prober: Sendable {
    /// What goes over the wire, both ways.
    static let text = Array("ping".utf8)

    struct Requests {
        var reprobes: [(target: Int, count: Int)] = []
        var addresses: [(target: Int, address: ProbeAddress)] = []
        var mustEnd = false
        var isEnded = false
    }

    private let requests = Mutex(Requests())
    private let wakeDescriptor: CInt
    private let ended = DispatchSemaphore(value: 0)

    /// Starts pinging.
    ///
    /// - Parameters:
    ///   - targets: Where to.
    ///   - plan: When and how; it has no ``ProbePlan/problem``.
    ///   - onEvents: Told of everything, on the prober's thread: what it does delays pings, so it only hands them on.
    /// - Throws: ``ProberError`` where the system has no descriptor left, or somebody else has the source port.
    public init(
        _ targets: [ProbeAddress],
        plan: ProbePlan,
        onEvents: @escaping @Sendable ([ProbeEvent]) -> Void
    ) throws(ProberError) {
        precondition(plan.problem == nil, "a plan is checked before it is used")
        let shell = try ProbeSockets(plan)
        self.wakeDescriptor = shell.wakeDescriptor
        // Handed over: nobody else has it.
        nonisolated(unsafe) let loop = ProberLoop(targets, plan, shell, onEvents)
        let thread = Thread { [self] in
            loop.run {
                self.requests.withLock { requests in
                    defer { (requests.reprobes, requests.addresses) = ([], []) }
                    return requests
                }
            }
            // Nobody wakes what is closed.
            self.requests.withLock { requests in
                requests.isEnded = true
                loop.close()
            }
            self.ended.signal()
        }
        thread.name = "prober"
        thread.start()
    }

    /// Asks for quick pings, one after the other, of which `reprobed` tells whether all were lost; ends with the first that
    /// was not.
    ///
    /// They are no samples.
    public func reprobe(target: Int, count: Int) { self.request { $0.reprobes.append((target, count)) } }

    /// Pings a target at another address from now on.
    public func move(target: Int, to address: ProbeAddress) { self.request { $0.addresses.append((target, address)) } }

    /// Ends the thread, and returns once it has.
    public func stop() {
        self.request { $0.mustEnd = true }
        self.ended.wait()
        self.ended.signal()
    }

    private func request(_ change: (inout Requests) -> Void) {
        self.requests.withLock { requests in
            guard !requests.isEnded else { return }
            change(&requests)
            var one: UInt64 = 1
            _ = Glibc.write(self.wakeDescriptor, &one, MemoryLayout.size(ofValue: one))
        }
    }
}
