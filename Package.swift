// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import PackageDescription

/// What every Swift target is built with.
///
/// CI sets STRICT_BUILD, which turns warnings into errors.
let strict: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (ProcessInfo.processInfo.environment["STRICT_BUILD"] == nil ? [] : [.treatAllWarnings(as: .error)])

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let deques = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heaps = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let sqlite = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "luar",
    products: [
        .executable(name: "luar", targets: ["luar"]),
        // For programs and tests that run a relay of their own.
        .library(name: "RelayHost", targets: ["RelayHost"]),
        // For tests of hooks.
        .library(name: "LuarTesting", targets: ["LuarTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .target(name: "CLua", linkerSettings: [.linkedLibrary("lua5.4")]),
        .target(name: "LuaScripting", dependencies: ["CLua"], swiftSettings: strict),
        .target(
            name: "RelayCore",
            dependencies: [deques],
            swiftSettings: strict
        ),
        .target(name: "WireFormats", dependencies: ["RelayCore"], swiftSettings: strict),
        // Two targets, because one cannot embed two files of the same name.
        .target(
            name: "StockScripts",
            dependencies: ["StockModules"],
            path: "scripts",
            exclude: ["lib"],
            resources: [
                .embedInCode("README.md"), .embedInCode("alerts.lua"), .embedInCode("chat.lua"),
                .embedInCode("commands.lua"),
                .embedInCode("console.lua"), .embedInCode("format.lua"), .embedInCode("latency.lua"),
                .embedInCode("ping.lua"), .embedInCode("system_messages.lua"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "StockModules",
            path: "scripts/lib",
            resources: [.embedInCode("commands.lua")],
            swiftSettings: strict
        ),
        .target(
            name: "Scheduling",
            dependencies: ["CSockets", deques, heaps],
            swiftSettings: strict
        ),
        .target(
            name: "LatencyMonitor",
            dependencies: ["CSockets", "Scheduling", histogram, deques],
            swiftSettings: strict
        ),
        .target(
            name: "RelayHooks",
            dependencies: ["LuaScripting", "LatencyMonitor", "RelayCore", logging, histogram, heaps],
            swiftSettings: strict
        ),
        .target(name: "ScriptStateSQLite", dependencies: ["OwnedFiles", "RelayHooks", sqlite], swiftSettings: strict),
        .target(
            name: "RelayTransport",
            dependencies: [
                "CSockets", "LineOutput", "OwnedFiles", "RelayCore", "Scheduling", "WireFormats", logging, deques,
            ],
            swiftSettings: strict
        ),
        .target(
            name: "LineOutput",
            dependencies: ["CTerminal", logging, deques],
            swiftSettings: strict
        ),
        .target(
            name: "HostSettings",
            dependencies: [
                "LineOutput", "RelayHooks", "RelayCore", "LatencyMonitor", "MailAlerts", "LuaScripting", "StockScripts",
                "WireFormats", logging,
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "RelayHost",
            dependencies: [
                "HostSettings", "LineOutput", "RelayHooks", "RelayTransport", "RelayCore", "LatencyMonitor",
                "LuaScripting", "MailAlerts", "OwnedFiles", "Scheduling", "ScriptStateSQLite",
                nioCore, nioPosix, logging, lifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "LuarTesting",
            dependencies: [
                "HostSettings", "RelayHooks", "RelayCore", "LatencyMonitor", "MailAlerts", "LuaScripting", "Scheduling",
                "WireFormats", logging,
            ],
            swiftSettings: strict
        ),
        .target(name: "CTerminal"),
        .target(name: "CSockets"),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        .target(name: "OwnedFiles", swiftSettings: strict),
        .target(name: "MailAlerts", dependencies: ["CCurl", "OwnedFiles"], swiftSettings: strict),
        .target(
            name: "ChatClient",
            dependencies: [
                "CTerminal", "HostSettings", "LineOutput", "RelayHooks", "RelayCore", logging, deques,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "luar",
            dependencies: [
                "RelayHost", "ChatClient", "LuarTesting", "HostSettings", "LineOutput", "RelayHooks", "RelayCore",
                "LatencyMonitor",
                "MailAlerts", "LuaScripting", "CTerminal",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        // What tests of several targets use; no product has it.
        .target(
            name: "TestSupport",
            dependencies: [logging],
            path: "Tests/TestSupport",
            exclude: ["Originals", "Faults", "MailServers"],
            swiftSettings: strict
        ),
        // The load of Tests/Benchmarks/message-cost.sh; no product has it.
        .executableTarget(
            name: "MessageCost",
            dependencies: ["RelayCore", "RelayHooks", "StockScripts", "WireFormats", logging],
            path: "Tests/Benchmarks/MessageCost",
            swiftSettings: strict
        ),
        .testTarget(name: "LuaScriptingTests", dependencies: ["LuaScripting"], swiftSettings: strict),
        .testTarget(
            name: "RelayCoreTests",
            dependencies: ["RelayCore", "WireFormats", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "WireFormatsTests",
            dependencies: ["WireFormats", "RelayCore", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "RelayHooksTests",
            dependencies: [
                "RelayHooks", "RelayCore", "LuaScripting", "LatencyMonitor", "Scheduling", "StockScripts",
                "WireFormats", "TestSupport", logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "RelayTransportTests",
            dependencies: [
                "RelayTransport", "RelayCore", "Scheduling", "CSockets", "WireFormats", "TestSupport", logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SchedulingTests",
            dependencies: ["Scheduling", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "LatencyMonitorTests",
            dependencies: ["LatencyMonitor", "Scheduling", "TestSupport", histogram],
            swiftSettings: strict
        ),
        .testTarget(
            name: "MailAlertsTests",
            dependencies: ["MailAlerts", "TestSupport"],
            exclude: ["README.md"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ScriptStateSQLiteTests",
            dependencies: ["ScriptStateSQLite", "RelayHooks", "TestSupport", sqlite],
            swiftSettings: strict
        ),
        .testTarget(name: "OwnedFilesTests", dependencies: ["OwnedFiles", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "LineOutputTests", dependencies: ["LineOutput", logging], swiftSettings: strict),
        .testTarget(
            name: "HostSettingsTests",
            dependencies: [
                "HostSettings", "RelayHooks", "RelayCore", "LuaScripting", "StockScripts", "TestSupport",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "RelayHostTests",
            dependencies: [
                "RelayHost", "RelayHooks", "HostSettings", "LineOutput", "RelayCore", "RelayTransport", "LuaScripting",
                "Scheduling", "WireFormats", "TestSupport", nioPosix, logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ChatClientTests",
            dependencies: [
                "ChatClient", "HostSettings", "RelayHooks", "RelayCore", "StockScripts", "TestSupport", logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "LuarTests",
            // The executable is not imported but run.
            dependencies: ["luar", "HostSettings", "LineOutput", "StockScripts", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "LuarTestingTests",
            dependencies: [
                "LuarTesting", "HostSettings", "RelayHooks", "RelayCore", "LatencyMonitor", "StockScripts",
                "TestSupport", logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "TidyTests", dependencies: ["StockScripts"], swiftSettings: strict),
    ]
)
