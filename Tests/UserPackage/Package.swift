// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

import PackageDescription

// What somebody has who tests their hooks from Swift: `name` is how the folder of Luar is called.
let package = Package(
    name: "rules",
    dependencies: [.package(name: "luar", path: "../..")],
    targets: [
        .testTarget(
            name: "RulesTests",
            dependencies: [.product(name: "LuarTesting", package: "luar")]
        )
    ]
)
