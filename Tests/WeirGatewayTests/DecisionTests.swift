import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing
import WeirCore
import WeirRedis
import WeirTestSupport

@testable import WeirGateway

/// The decision API, with the engine and a real Redis behind two gateways. Every answer is held against the document that
/// the gateway serves.
@Suite struct DecisionTests {
    @Test func `what one node reserved another settles, once, in every shard, with one event`() async throws {
        try await withAPI(2) { api in
            let made = try await api.reserve()
            #expect(made.status == 200)
            #expect(made.json["model"] as? String == Self.model)
            #expect(made.limit("spend")?["held"] as? Int == Self.estimate)
            #expect(made.limit("calls")?["remaining"] as? Int == 4)
            #expect(try await api.budget("spend", "user:acme/alice") == [0, Self.estimate])
            #expect(try await api.budget("everybody", "global") == [0, Self.estimate])
            var before: [String] = []
            for round in 0..<3 {
                let settled = try await api.ask(
                    "settle", #"{"id":"\#(made.id)",\#(Self.usage),"tool_used":"lookup"}"#, node: 1)
                #expect(settled.status == 200)
                #expect(settled.json as? [String: String] == ["id": made.id, "state": "settled"])
                if round > 0 { #expect(try await api.everything() == before) }
                before = try await api.everything()
            }
            #expect(try await api.budget("spend", "user:acme/alice") == [Self.used, 0])
            #expect(try await api.budget("everybody", "global") == [Self.used, 0])
            let events = try await api.events()
            let event = try #require(events.first)
            #expect(events.count == 1)
            #expect(event.id == made.id && event.cost.micros == Self.used && event.outcome == .completed)
            #expect(event.tokens == TokenUsage(input: 400, output: 100))
            #expect(event.model == Self.model && event.endpoint == "reserve" && event.toolUsed == "lookup")
            let standing = try await api.ask("limits", node: 1)
            #expect(standing.limit("flow")?["used"] as? Int == 500)
            #expect(standing.limit("at-once")?["used"] as? Int == 0)
        }
    }

    @Test func `another key, of the same team or not, is refused and changes nothing`() async throws {
        try await withAPI { api in
            let made = try await api.reserve()
            let before = try await api.everything()
            for (path, more) in [("settle", "," + Self.usage), ("release", ""), ("renew", "")] {
                let body = #"{"id":"\#(made.id)"\#(more)}"#
                let refused = try await api.ask(path, body, key: Self.otherKey)
                #expect(refused.status == 403 && refused.reason == "forbidden", "\(path)")
                let unknown = try await api.ask(path, body, key: Self.strangerKey)
                #expect(unknown.status == 404 && unknown.reason == "unknown_reservation", "\(path)")
                let nobody = try await api.ask(path, body, key: "nobody")
                #expect(nobody.status == 401, "\(path)")
            }
            #expect(try await api.everything() == before)
        }
    }

    @Test func `a call through the proxy cannot be ended by the API, whose caller knows its id`() async throws {
        try await withAPI { api in
            let made = try await api.reserve()
            let key = RedisArgument.string(RedisKeys.reservations(Shard(of: "acme")))
            guard case .bulk(let record) = try await api.redis.send(["HGET", key, .string(made.id)]) else { return }
            let proxied = String(buffer: record).replacing(
                "\"endpoint\":\"reserve\"", with: "\"endpoint\":\"messages\"")
            try await api.redis.send(["HSET", key, .string(made.id), .string(proxied)])
            let unobserved = proxied.split(separator: "\n").prefix(2).joined(separator: "\n") + "\n"
            for (text, status) in [(proxied, 403), (unobserved, 404)] {
                try await api.redis.send(["HSET", key, .string(made.id), .string(text)])
                let before = try await api.everything()
                for (path, more) in [("settle", "," + Self.usage), ("release", ""), ("renew", "")] {
                    let refused = try await api.ask(path, #"{"id":"\#(made.id)"\#(more)}"#)
                    #expect(refused.status == status, "\(path)")
                }
                #expect(try await api.everything() == before)
            }
        }
    }

    @Test func `a release gives all back, a settlement after it is charged, and a release after that changes nothing`()
        async throws
    {
        try await withAPI(2) { api in
            let made = try await api.reserve()
            for _ in 0..<2 {
                let released = try await api.ask("release", #"{"id":"\#(made.id)"}"#, node: 1)
                #expect(released.json["state"] as? String == "released")
                #expect(try await api.budget("spend", "user:acme/alice") == [0, 0])
                #expect(try await api.budget("everybody", "global") == [0, 0])
            }
            #expect(try await api.events().isEmpty)
            #expect(try await api.ask("settle", #"{"id":"\#(made.id)",\#(Self.usage)}"#).status == 200)
            #expect(try await api.ask("release", #"{"id":"\#(made.id)"}"#).json["state"] as? String == "settled")
            #expect(try await api.budget("spend", "user:acme/alice") == [Self.used, 0])
            #expect(try await api.budget("everybody", "global") == [Self.used, 0])
            #expect(try await api.events().count == 1)
            let late = try await api.ask("renew", #"{"id":"\#(made.id)"}"#)
            #expect(late.status == 409 && late.reason == "reservation_ended")
        }
    }

    @Test func `F-C2: a repeated id gets the first decision, and stands for nothing else`() async throws {
        try await withAPI(2) { api in
            let id = Self.newID()
            let first = try await api.reserve(#","id":"\#(id)","lease_seconds":600"#)
            #expect(first.id == id)
            let again = try await api.reserve(#","id":"\#(id)""#, node: 1)
            #expect(again.status == 200 && again.id == id)
            #expect(again.json["expires_at"] as? String == first.json["expires_at"] as? String)
            #expect(try await api.budget("spend", "user:acme/alice") == [0, Self.estimate])
            #expect(try await api.ask("limits").limit("calls")?["used"] as? Int == 1)
            let foreign = try await api.reserve(#","id":"\#(id)""#, key: Self.otherKey)
            #expect(foreign.status == 403)
            let another = try await api.ask("reserve", #"{"id":"\#(id)","cost_micros":1}"#)
            #expect(another.status == 409)
            let larger = try await api.reserve(
                #","id":"\#(id)""#, tokens: #"{"input_tokens":2000,"output_tokens":1000}"#)
            #expect(larger.status == 409)
            #expect(try await api.budget("spend", "user:acme/alice") == [0, Self.estimate])
            _ = try await api.ask("settle", #"{"id":"\#(id)",\#(Self.usage)}"#)
            let over = try await api.reserve(#","id":"\#(id)""#)
            #expect(over.status == 409 && over.reason == "reservation_ended")
            let old = try await api.reserve(#","id":"01M7YVEVR7TRQ0GT4DRGRYGCDC""#)
            #expect(old.status == 400)
            try FaultReport(
                "F-C2", invariant: "a repeated id: one reservation, one event, E2", bound: "1 event",
                measured: "\(try await api.events().count) event, 6 requests"
            ).report()
        }
    }

    @Test func `a renewal holds longer, and what it states is charged when nobody settles`() async throws {
        try await withAPI(2) { api in
            let made = try await api.reserve(#","lease_seconds":1"#)
            let renewed = try await api.ask(
                "renew", #"{"id":"\#(made.id)","lease_seconds":3600,\#(Self.usage)}"#, node: 1)
            #expect(renewed.json["state"] as? String == "held")
            let key = RedisArgument.string(RedisKeys.reservations(Shard(of: "acme")))
            guard case .bulk(let text) = try await api.redis.send(["HGET", key, .string(made.id)]),
                case .held(let record) = ReservationRecord(String(buffer: text))
            else { return #expect(Bool(false), "no record") }
            #expect(record.leaseEndMs > record.admittedMs + 3_000_000)
            #expect(record.observed?.cost.micros == Self.used && record.observed?.outcome == .orphaned)
            #expect(record.call.sides.count == 1)
            // Now its lease has run out, and the reaper has been there.
            let shard = Shard(of: "acme")
            let lines = String(buffer: text).split(separator: " ", maxSplits: 1)
            try await api.redis.send(["HSET", key, .string(made.id), .string("1 " + lines[1])])
            try await withConnection(to: api.redis) { redis in
                let reap = EndScript(
                    .reap, shard: shard, id: try #require(ReservationID(made.id)), admittedMs: record.admittedMs,
                    event: record.observed?.json() ?? [],
                    counters: zip(record.call.holds, record.call.units(of: try #require(record.observed))).map {
                        (counter: $0, units: $1)
                    })
                #expect(try await reap.run(on: redis) == .ended(skipped: 0))
            }
            #expect(try await api.budget("spend", "user:acme/alice") == [Self.used, 0])
            let late = try await api.ask(
                "settle", #"{"id":"\#(made.id)","tokens":{"input_tokens":400,"output_tokens":200}}"#)
            #expect(late.json["state"] as? String == "settled")
            #expect(try await api.budget("spend", "user:acme/alice") == [Self.used + 1_500, 0])
            #expect(try await api.events().map(\.cost.micros) == [Self.used, Self.used + 1_500])
        }
    }

    @Test func `check answers what reserve would, to the last unit, and changes nothing`() async throws {
        try await withAPI { api in
            for round in 0..<6 {
                let before = try await api.everything()
                let asked = try await api.ask(
                    "check", #"{"model":"\#(Self.model)","tokens":{"input_tokens":1000,"output_tokens":500}}"#)
                let after = try await api.everything()
                #expect(after == before, "round \(round): \(Set(after).symmetricDifference(before))")
                let made = try await api.reserve()
                #expect(asked.status == made.status)
                #expect(made.status == (round < 4 ? 200 : 429))
                if made.status == 200 {
                    let left = try #require(asked.json["limits"] as? [[String: Any]]).map { $0["remaining"] as? Int }
                    let right = try #require(made.json["limits"] as? [[String: Any]]).map { $0["remaining"] as? Int }
                    #expect(left == right)
                } else {
                    #expect(
                        asked.reason == made.reason && asked.weir["limit"] as? String == made.weir["limit"] as? String)
                    #expect(asked.headers["retry-after"].count == 1)
                }
            }
        }
    }

    @Test func `other APIs state their cost themselves, and only those`() async throws {
        try await withAPI { api in
            let made = try await api.ask("reserve", #"{"cost_micros":5000,"total_tokens":70}"#)
            #expect(made.status == 200 && made.json["model"] == nil)
            #expect(try await api.budget("spend", "user:acme/alice") == [0, 5000])
            #expect(try await api.ask("settle", #"{"id":"\#(made.id)",\#(Self.usage)}"#).status == 400)
            #expect(try await api.ask("settle", #"{"id":"\#(made.id)","cost_micros":6000}"#).status == 200)
            #expect(try await api.budget("spend", "user:acme/alice") == [6000, 0])
            let priced = try await api.reserve()
            #expect(try await api.ask("settle", #"{"id":"\#(priced.id)","cost_micros":1}"#).status == 400)
            #expect(try await api.events().map(\.provider) == ["other"])
        }
    }

    @Test func `auto is served by the ladder's model, and what has no price is denied`() async throws {
        var policy = Self.policy()
        policy.limits = [
            Limit(
                id: "spend", per: .user, unit: .usd, span: .period(.month), amount: 100_000, downgradeAt: 5_000)
        ]
        try await withAPI(policy: policy) { api in
            let body = #"{"model":"auto","tokens":{"input_tokens":1000,"output_tokens":500}}"#
            let first = try await api.ask("reserve", body)
            #expect(first.json["model"] as? String == "claude-opus-4")
            let second = try await api.ask("reserve", body)
            let third = try await api.ask("reserve", body)
            #expect(second.status == 200)
            #expect(third.json["model"] as? String == "claude-sonnet-4")
            #expect(third.json["downgraded_from"] as? String == "claude-opus-4")
            _ = try await api.ask("settle", #"{"id":"\#(third.id)",\#(Self.usage)}"#)
            #expect(try await api.events().map(\.model) == ["claude-sonnet-4"])
            let unpriced = try await api.ask("reserve", #"{"model":"no-such","tokens":{"input_tokens":1}}"#)
            #expect(unpriced.status == 403 && unpriced.reason == "model_unpriced")
        }
    }

    @Test func `limits tells of every limit and resource what redis-cli shows`() async throws {
        try await withAPI { api in
            _ = try await api.reserve()
            let free = try await api.ask("limits")
            #expect(free.json["limited"] as? Bool == false)
            #expect(free.limit("calls")?["used"] as? Int == 1)
            #expect(free.limit("spend")?["reserved"] as? Int == Self.estimate)
            #expect(free.limit("spend")?["remaining"] as? Int == 1_000_000 - Self.estimate)
            #expect(free.limit("at-once")?["used"] as? Int == 1)
            #expect(free.limit("everybody")?["reserved"] as? Int == Self.estimate)
            #expect(free.limit("credits")?["amount"] as? Int == 77 && free.limit("credits")?["used"] == nil)
            try await api.redis.send(["SET", "weir:override:spend:user:acme/alice", .int(Self.estimate)])
            try await api.redis.send(["ZADD", "weir:quota-limits:ai_credits", "4102444800", "acme"])
            try await eventually {
                let now = try await api.ask("limits")
                return now.limit("spend")?["amount_source"] as? String == "override"
                    && (now.json["resources"] as? [[String: Any]])?.first?["limited"] as? Bool == true
            }
            let now = try await api.ask("limits")
            #expect(now.json["limited"] as? Bool == true)
            #expect(now.limit("spend")?["remaining"] as? Int == 0 && now.limit("spend")?["limited"] as? Bool == true)
            let resource = (now.json["resources"] as? [[String: Any]])?.first
            #expect(resource?["until"] as? String == "2100-01-01T00:00:00Z")
            #expect(try await api.ask("limits?product=search").limit("spend") == nil)
            #expect(try await api.ask("limits?product=nope").status == 404)
            #expect(try await api.ask("limits?product=default", key: Self.strangerKey).status == 403)
            #expect(try await api.ask("limits?page=1").status == 400)
            #expect(try await api.ask("limits", key: nil).status == 401)
        }
    }

    @Test func `authz answers by key, product, limited set, switch and limits, and names the caller`() async throws {
        try await withAPI { api in
            let before = try await api.everything()
            let yes = try await api.ask("authz", headers: ["x-original-uri": "/slack-bot/v1/messages?x=1"])
            #expect(yes.status == 200)
            #expect(yes.headers.first(name: "weir-team") == "acme" && yes.headers.first(name: "weir-user") == "alice")
            #expect(yes.headers.first(name: "weir-product") == "slack_app")
            // As Envoy asks.
            let envoy = try await api.ask("authz/slack_app/v1/messages?page=2")
            #expect(envoy.headers.first(name: "weir-product") == "slack_app")
            #expect(try await api.ask("authz", key: nil).status == 401)
            #expect(try await api.ask("authz?product=open", key: nil).headers.first(name: "weir-team") == "anonymous")
            #expect(
                try await api.ask("authz", key: Self.strangerKey, headers: ["weir-product": "default"]).status == 403)
            #expect(try await api.ask("authz?product=nope").status == 403)
            #expect(
                try await api.ask(
                    "authz?product=search", headers: ["x-original-uri": "/slack_app/", "weir-product": "open"]
                )
                .headers.first(name: "weir-product") == "search")
            #expect(try await api.everything() == before)
            for _ in 0..<4 {
                let made = try await api.reserve()
                _ = try await api.ask("settle", #"{"id":"\#(made.id)",\#(Self.usage)}"#)
            }
            #expect(try await api.ask("authz").status == 200)
            let last = try await api.reserve()
            _ = try await api.ask("settle", #"{"id":"\#(last.id)",\#(Self.usage)}"#)
            let full = try await api.ask("authz")
            #expect(full.status == 429 && full.reason == "rate_limited")
            #expect(full.headers.first(name: "weir-reason") == "rate_limited")
            #expect(full.headers.first(name: "weir-team") == "acme")
            #expect(full.headers["retry-after"].count == 1)
            try await api.redis.send(["HSET", "weir:kill-switch", "team:acme", "on"])
            try await eventually { try await api.ask("authz").status == 503 }
            #expect(try await api.ask("authz").reason == "kill_switch")
        }
    }

    @Test func `what is not to the letter is refused, and the message says what it is about`() async throws {
        let cases: [(path: String, body: String, word: String)] = [
            ("reserve", #"{"cost_micros":-1}"#, "cost_micros"), ("reserve", #"{"cost_micros":1.5}"#, "integer"),
            ("reserve", #"{"cost_micros":9007199254740993}"#, "cost_micros"), ("reserve", #"{"cost":1}"#, "cost"),
            ("reserve", #"{"cost_micros":1,"cost_micros":2}"#, "twice"), ("reserve", "{", "ends"),
            ("reserve", "[]", "object"), ("reserve", #"{"tokens":{"input_tokens":1}}"#, "model"),
            ("reserve", #"{"model":"gpt-4o","tokens":{"input_token":1}}"#, "input_token"),
            ("reserve", #"{"model":"gpt-4o","tokens":{},"cost_micros":1}"#, "cost_micros"),
            ("reserve", #"{"lease_seconds":0}"#, "lease_seconds"), ("reserve", #"{"id":"1"}"#, "ULID"),
            ("reserve", #"{"id":"00000000000000000000000000"}"#, "ULID"),
            ("reserve", #"{"product":"a/b"}"#, "product"), ("reserve", #"{"provider":"acme"}"#, "anthropic"),
            ("reserve", #"{"model":"auto","cost_micros":1}"#, "auto"), ("check", #"{"amount":1}"#, "amount"),
            ("settle", #"{"cost_micros":1}"#, "id"), ("settle", #"{"id":"01M7YVEVR7TRQ0GT4DRGRYGCDC"}"#, "tokens"),
            ("settle", #"{"id":"01M7YVEVR7TRQ0GT4DRGRYGCDC","tokens":{"input_tokens":-5}}"#, "input_tokens"),
            ("settle", #"{"id":"01M7YVEVR7TRQ0GT4DRGRYGCDC","tokens":{"reasoning_tokens":5}}"#, "reasoning_tokens"),
            ("settle", #"{"id":"01M7YVEVR7TRQ0GT4DRGRYGCDC","cost_micros":1,"outcome":"orphaned"}"#, "outcome"),
            ("release", #"{"id":"01M7YVEVR7TRQ0GT4DRGRYGCDC","cost_micros":1}"#, "cost_micros"),
            ("renew", #"{"id":"01M7YVEVR7TRQ0GT4DRGRYGCDC","lease_seconds":3601}"#, "lease_seconds"),
        ]
        try await withAPI { api in
            let before = try await api.everything()
            for (path, body, word) in cases {
                let answer = try await api.ask(path, body)
                #expect(answer.status == 400 && answer.reason == "invalid_request", "\(path) \(body)")
                let message = (answer.json["error"] as? [String: Any])?["message"] as? String ?? ""
                #expect(message.contains(word), "\(body): \(message)")
            }
            let large = try await api.ask("reserve", #"{"model":"\#(String(repeating: "x", count: 70_000))"}"#)
            #expect(large.status == 413)
            #expect(try await api.everything() == before)
        }
    }

    @Test func `with Redis away nothing is decided, and nothing that is asked is called unknown`() async throws {
        try await withAPI { api in
            let made = try await api.reserve()
            api.redis.kill()
            for (path, body) in [
                ("reserve", #"{"cost_micros":1}"#), ("check", #"{"cost_micros":1}"#),
                ("settle", #"{"id":"\#(made.id)",\#(Self.usage)}"#), ("limits", nil), ("authz", nil),
            ] {
                let answer = try await api.ask(path, body)
                #expect(answer.status == 503 && answer.reason == "degraded", "\(path)")
            }
        }
    }
}
