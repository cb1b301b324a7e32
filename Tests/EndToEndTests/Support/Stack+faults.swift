import Foundation
import Glibc
import Testing
import WeirTestSupport

extension Stack {
    /// How a process is ended.
    enum Ending { case terminate, kill }

    /// Where the gateways listen now.
    var gateways: [String] {
        ready.gateways.enumerated().map { replacements.urls("gateway-\($0 + 1)")?.first ?? $1 }
    }

    /// Where the aggregator listens now.
    var aggregator: String { replacements.urls("aggregator")?.first ?? ready.aggregator }

    /// Which process has this name now.
    func pid(_ name: String) throws -> Int32 {
        try #require(replacements.pid(name) ?? ready.pids[name], "there is no \(name)")
    }

    /// Ends a process and waits until it is gone.
    func end(_ name: String, _ ending: Ending) async throws {
        let pid = try pid(name)
        Glibc.kill(pid, ending == .kill ? SIGKILL : SIGTERM)
        try await eventually("\(name) gone", within: .seconds(60)) { isGone(pid) }
    }

    func send(_ signal: Int32, to name: String) throws { Glibc.kill(try pid(name), signal) }

    /// Ends the aggregator and starts the same command line again. It may listen elsewhere.
    func replaceAggregator() async throws {
        let template = try Replacements.Template(pid: pid("aggregator"))
        try await end("aggregator", .kill)
        try await replacements.start("aggregator", template, readyMark: "weir aggregator ready: ")
    }

    func replaceGateways(signal: Ending) async throws {
        for number in 1...ready.gateways.count { try await replaceGateway(number, ended: signal) }
    }

    /// - Parameter number: from 1.
    func replaceGateway(_ number: Int, ended ending: Ending) async throws {
        let template = try Replacements.Template(pid: pid("gateway-\(number)"))
        try await end("gateway-\(number)", ending)
        try await replacements.start("gateway-\(number)", template, readyMark: "weir gateway ready: ")
    }

    /// - Parameter appendOnly: it begins with what its log has; else with its snapshot, if there is one.
    func replaceRedis(appendOnly: Bool = true) async throws {
        let template = try Replacements.Template(
            redis: ready.redis, directory: dev.directory, appendOnly: appendOnly)
        try await end("redis", .kill)
        try await replacements.start("redis", template, readyMark: "Ready to accept connections")
    }
}

extension Stack {
    /// Settlements in all outboxes that the ledger is not known to have.
    func outboxRows() async throws -> Int {
        struct Readiness: Decodable {
            struct Outbox: Decodable { let rows: Int }
            let outbox: Outbox
        }
        var rows = 0
        for number in 1...ready.gateways.count {
            let url = replacements.urls("gateway-\(number)")?.last ?? ready.ops[number - 1]
            let (_, body) = try await Self.get(url + "/readyz")
            rows += try JSONDecoder().decode(Readiness.self, from: body).outbox.rows
        }
        return rows
    }
}
