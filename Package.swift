// swift-tools-version: 6.2
import PackageDescription

// Every target builds in Swift 6 mode and without a warning.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .enableUpcomingFeature("MemberImportVisibility")]

// On the way of every call: an async function runs where its caller runs, without asking the runtime where that is.
let onCallersLoop: [SwiftSetting] = strict + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]

// Packages. A version is the lowest that we know to be safe; README, "Dependencies", says what each one is for.
let core: Target.Dependency = "WeirCore"
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioExtras: Target.Dependency = .product(name: "NIOExtras", package: "swift-nio-extras")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

/// The modules, lowest first: each may use only those above it.
let modules: [Target] = [
    .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
    .target(name: "WeirCore", dependencies: [yams], swiftSettings: strict),
    .target(
        name: "WeirTelemetry", dependencies: [core, coreMetrics, tracing, logging], swiftSettings: onCallersLoop),
    .target(
        name: "WeirProviders", dependencies: [core], resources: [.embedInCode("Prices")], swiftSettings: strict),
    .target(
        name: "WeirRedis",
        dependencies: ["CHiredis", core, "WeirTelemetry", nioCore, nioPosix, nioSSL, crypto, coreMetrics, logging],
        resources: [.embedInCode("Scripts")], swiftSettings: onCallersLoop),
    .target(name: "WeirLedger", dependencies: [core, grdb, sqlite, logging], swiftSettings: strict),
    .target(
        name: "WeirEnforcer", dependencies: [core, "WeirRedis", nioCore, logging], swiftSettings: onCallersLoop),
    .target(
        name: "WeirGateway",
        dependencies: [
            core, "WeirTelemetry", "WeirProviders", "WeirRedis", "WeirEnforcer", nioCore, nioPosix, nioHTTP1, nioSSL,
            nioExtras, crypto, coreMetrics, tracing, logging,
        ], resources: [.embedInCode("Decisions/Document")], swiftSettings: onCallersLoop),
    .target(
        name: "WeirAggregator",
        dependencies: [
            core, "WeirTelemetry", "WeirRedis", "WeirLedger", nioCore, crypto, coreMetrics, logging,
        ], swiftSettings: strict),
    .target(
        name: "WeirAdmin",
        dependencies: [
            core, "WeirProviders", "WeirRedis", "WeirLedger", "WeirEnforcer", hummingbird, hummingbirdCore, crypto,
            nioCore, lifecycle, logging,
        ], resources: [.embedInCode("Dashboard/Assets")], swiftSettings: strict),
    .target(
        name: "WeirSimulator",
        dependencies: [core, "WeirTelemetry", nioCore, nioPosix, nioHTTP1, coreMetrics, logging],
        swiftSettings: strict),
    .target(name: "WeirChaos", dependencies: [nioCore, nioPosix], swiftSettings: strict),
    .target(
        name: "WeirCommands",
        dependencies: [
            core, "WeirTelemetry", "WeirProviders", "WeirRedis", "WeirLedger", "WeirEnforcer", "WeirGateway",
            "WeirAggregator", "WeirAdmin", "WeirSimulator", "WeirChaos", argumentParser, lifecycle, unixSignals,
            asyncHTTPClient, nioCore, nioPosix, nioHTTP1, coreMetrics, logging,
        ], resources: [.embedInCode("Policies")], swiftSettings: strict),
    .executableTarget(name: "weir", dependencies: ["WeirCommands"], swiftSettings: strict),
]

/// What the tests share, and one test target per module.
let tests: [Target] = [
    .target(
        name: "WeirTestSupport", dependencies: [core, "WeirRedis", "WeirChaos", nioCore, nioPosix, logging],
        path: "Tests/WeirTestSupport", swiftSettings: strict),
    .testTarget(
        name: "WeirTelemetryTests",
        dependencies: [core, "WeirTelemetry", "WeirTestSupport", coreMetrics, tracing, logging],
        swiftSettings: strict),
    .testTarget(name: "WeirCoreTests", dependencies: [core], swiftSettings: strict),
    .testTarget(name: "WeirProvidersTests", dependencies: [core, "WeirProviders"], swiftSettings: strict),
    .testTarget(
        name: "WeirRedisTests",
        dependencies: [
            core, "WeirTelemetry", "WeirRedis", "WeirChaos", "WeirTestSupport", nioCore, nioPosix, nioSSL, logging,
        ],
        swiftSettings: strict),
    .testTarget(
        name: "WeirLedgerTests", dependencies: [core, "WeirLedger", "WeirTestSupport", grdb],
        swiftSettings: strict),
    .testTarget(
        name: "WeirEnforcerTests",
        dependencies: [
            core, "WeirRedis", "WeirEnforcer", "WeirChaos", "WeirTestSupport", nioCore, nioPosix, logging,
        ],
        swiftSettings: strict),
    .testTarget(
        name: "WeirGatewayTests",
        dependencies: [
            core, "WeirTelemetry", "WeirProviders", "WeirRedis", "WeirEnforcer", "WeirGateway", "WeirSimulator",
            "WeirTestSupport", nioCore, nioPosix, nioHTTP1, nioEmbedded, nioSSL, asyncHTTPClient, coreMetrics, tracing,
            logging,
        ], swiftSettings: strict),
    .testTarget(
        name: "WeirAggregatorTests",
        dependencies: [
            core, "WeirTelemetry", "WeirRedis", "WeirLedger", "WeirEnforcer", "WeirAggregator", "WeirTestSupport",
            nioCore,
            nioPosix, nioHTTP1, crypto, logging,
        ],
        swiftSettings: strict),
    .testTarget(
        name: "WeirAdminTests",
        dependencies: [
            core, "WeirProviders", "WeirRedis", "WeirLedger", "WeirEnforcer", "WeirAdmin", "WeirTestSupport",
            asyncHTTPClient, crypto, nioCore, nioPosix, nioHTTP1, logging,
        ], swiftSettings: strict),
    .testTarget(
        name: "WeirSimulatorTests",
        dependencies: ["WeirSimulator", asyncHTTPClient, nioCore, nioPosix, nioHTTP1, logging],
        swiftSettings: strict),
    .testTarget(
        name: "WeirChaosTests", dependencies: ["WeirChaos", "WeirTestSupport", nioCore, nioPosix],
        swiftSettings: strict),
    .testTarget(
        name: "WeirCommandsTests",
        dependencies: [
            core, "WeirTelemetry", "WeirCommands", "WeirAdmin", "WeirGateway", "WeirLedger", "WeirRedis", "WeirChaos",
            "WeirTestSupport", argumentParser, nioCore, nioPosix, coreMetrics, tracing, logging,
        ], swiftSettings: strict),
    // Runs the built `weir` as processes: several nodes, one Redis, one aggregator, some of them killed half-way.
    .testTarget(
        name: "EndToEndTests",
        dependencies: [
            "weir", core, "WeirProviders", "WeirRedis", "WeirTestSupport", asyncHTTPClient, grdb, nioCore, nioHTTP1,
        ],
        swiftSettings: strict),
]

let package = Package(
    name: "weir",
    products: [
        .executable(name: "weir", targets: ["weir"]),
        // What a Swift server embeds.
        .library(name: "WeirCore", targets: ["WeirCore"]),
        .library(name: "WeirEnforcer", targets: ["WeirEnforcer"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: modules + tests
)
