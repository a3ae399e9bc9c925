// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import Foundation
import PackageDescription

/// What every Swift target is built with.
///
/// CI sets LUAR_STRICT, which turns warnings into errors.
let strict: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (ProcessInfo.processInfo.environment["LUAR_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)])

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "luar",
    products: [.executable(name: "luar", targets: ["luar"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "CLua", linkerSettings: [.linkedLibrary("lua5.4")]),
        .target(name: "LuaScripting", dependencies: ["CLua"], swiftSettings: strict),
        .target(
            name: "RelayCore",
            dependencies: [nioCore],
            swiftSettings: strict
        ),
        // Two targets, because one cannot embed two files of the same name.
        .target(
            name: "StockScripts",
            dependencies: ["StockModules"],
            path: "scripts",
            exclude: ["lib"],
            resources: [.embedInCode("commands.lua"), .embedInCode("console.lua"), .embedInCode("format.lua")],
            swiftSettings: strict
        ),
        .target(
            name: "StockModules",
            path: "scripts/lib",
            resources: [.embedInCode("commands.lua")],
            swiftSettings: strict
        ),
        .target(
            name: "RelayHooks",
            dependencies: ["LuaScripting", "RelayCore", logging],
            swiftSettings: strict
        ),
        .target(
            name: "RelayTransport",
            dependencies: [
                "RelayCore", nioCore, nioPosix, logging,
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "RelayHost",
            dependencies: [
                "RelayHooks", "RelayTransport", "RelayCore", "LuaScripting", "StockScripts", nioCore, nioPosix, logging,
                lifecycle, .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "luar",
            dependencies: [
                "RelayHost", "RelayTransport", "RelayCore", "LuaScripting",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "LuaScriptingTests", dependencies: ["LuaScripting"], swiftSettings: strict),
        .testTarget(name: "RelayCoreTests", dependencies: ["RelayCore"], swiftSettings: strict),
        .testTarget(
            name: "RelayHooksTests",
            dependencies: ["RelayHooks", "RelayCore", "LuaScripting", "StockScripts", logging],
            swiftSettings: strict
        ),
        .testTarget(name: "RelayTransportTests", dependencies: ["RelayTransport", nioCore], swiftSettings: strict),
        .testTarget(
            name: "RelayHostTests",
            dependencies: [
                "RelayHost", "RelayCore", "RelayTransport", "LuaScripting", logging,
                // The executable is not imported but run.
                "luar",
            ],
            exclude: ["Originals"],
            swiftSettings: strict
        ),
        .testTarget(name: "TidyTests", dependencies: ["StockScripts"], swiftSettings: strict),
    ]
)
