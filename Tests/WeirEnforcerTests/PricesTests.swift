import Foundation
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct PricesTests {
    private static func model(_ input: Int, from: String? = nil) -> ModelPrice {
        ModelPrice(
            provider: "anthropic", model: "m", validFrom: from.flatMap { UTCDay($0) },
            price: Price(
                base: .init(input: input, cacheRead: 1, cacheWrite5m: input, cacheWrite1h: input, output: input)),
            contextWindow: 1, maxOutputTokens: 1, source: "test")
    }

    private func withNode(_ body: (TestNode) async throws -> Void) async throws {
        let shipped = try PriceHistory(version: "v1", models: [Self.model(10)])
        try await withRedis { server in
            try await withConnection(to: server) { redis in
                try await TestNode.setUp(redis)
                try await TestNode.withEnforcer(to: server, prices: shipped) { enforcer, loop in
                    try await enforcer.start()
                    try await body(TestNode(server: server, redis: redis, enforcer: enforcer, loop: loop))
                }
            }
        }
    }

    private func publish(_ models: [ModelPrice], version: Int, to node: TestNode) async throws {
        try await node.send(
            "SET", .string(RedisKeys.prices), .string(try AddedPrices(version: version, models: models).json()))
    }

    private func input(_ node: TestNode) throws -> Int? {
        try node.enforcer.prices().price(provider: "anthropic", model: "m")?.price.base.input
    }

    @Test func `a node charges by what ships and what is published besides, as soon as it is`() async throws {
        try await withNode { node in
            #expect(try node.enforcer.prices().version == "v1")
            #expect(try input(node) == 10)
            try await publish(
                [Self.model(20, from: "2026-01-01"), Self.model(30, from: "9000-01-01")], version: 1, to: node)
            try await eventually("the added price is in force") { try input(node) == 20 }
            #expect(try node.enforcer.prices().version == "v1+1")
        }
    }

    @Test func `prices that cannot be read, or could charge too little, leave the last ones in force`() async throws {
        try await withNode { node in
            try await publish([Self.model(20, from: "2026-01-01")], version: 1, to: node)
            try await eventually("the added price is in force") { try input(node) == 20 }
            for text in ["{", #"{"version":2}"#] {
                try await node.send("SET", .string(RedisKeys.prices), .string(text))
                try await eventually("the node has seen it") {
                    try node.enforcer.replica.current().prices?.problem != nil
                }
                #expect(try input(node) == 20)
                try await publish([Self.model(20, from: "2026-01-01")], version: 1, to: node)
                try await eventually("the node has seen it") {
                    try node.enforcer.replica.current().prices?.problem == nil
                }
            }
            try await publish([Self.model(0, from: "2026-01-01")], version: 2, to: node)
            try await eventually("the node has seen it") { try node.enforcer.replica.current().prices?.problem != nil }
            #expect(try input(node) == 20)
        }
    }

    @Test func `a price comes into force at midnight, whenever Redis was read last`() throws {
        let history = try PriceHistory(version: "v1", models: [Self.model(10), Self.model(20, from: "2026-11-22")])
        let day = try #require(UTCDay("2026-11-21"))
        let prices = PricesInForce(history: history, published: nil, day: day)
        let midnight = day.startMs + UTCDay.lengthMs
        #expect(prices.table(atMs: midnight - 1).price(provider: "anthropic", model: "m")?.price.base.input == 10)
        #expect(prices.table(atMs: midnight).price(provider: "anthropic", model: "m")?.price.base.input == 20)
    }

    @Test func `an engine that was given no prices says so`() async throws {
        try await TestNode.run { node in
            let error = #expect(throws: EnforcerError.self) { try node.enforcer.prices() }
            #expect(error == .misconfigured(reason: "no price table was given"))
        }
    }
}
