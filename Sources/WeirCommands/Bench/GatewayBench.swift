import Foundation
import NIOCore
import NIOPosix

/// Measures calls through a gateway in turn with two yardsticks, on a private stack: the simulator without anything
/// before it, and nginx doing nothing but pass on.
struct GatewayBench: Sendable {
    let connections: Int
    let requests: Int
    let rounds: Int
    let isStream: Bool
    let hasOutbox: Bool

    /// Events of one stream, and the pause before each: models write about so fast, and nothing is merged on the way.
    static let eventsPerStream = 50
    static let eventPauseMs = 10

    /// What calls are sent to, and the process whose CPU counts.
    private struct Yardstick: Sendable {
        let name: String
        let url: String
        let pid: Int32
    }

    /// One yardstick in one round, or its medians.
    struct Figure: Sendable, Codable {
        /// Calls per second; with `--stream`, events per second.
        var rate = 0.0
        /// Microseconds of CPU of the process, per call or per event.
        var cpuMicros = 0.0
        /// Of a call, or of a whole stream, in microseconds.
        var p50 = 0.0
        var p99 = 0.0
        /// The same on a single connection; 0 with `--stream`.
        var aloneP50 = 0.0
        var aloneP99 = 0.0
        /// Calls that were not answered with 200; in the medians, all of them.
        var failures = 0

        enum CodingKeys: String, CodingKey {
            case rate = "per_second", cpuMicros = "cpu_us", p50 = "p50_us", p99 = "p99_us"
            case aloneP50 = "one_connection_p50_us", aloneP99 = "one_connection_p99_us", failures = "failed_calls"
        }
    }

    struct Report: Sendable, Codable {
        var isStream: Bool
        var connections: Int
        var requests: Int
        var rounds: Int
        var direct: Figure
        /// Nil: nginx is not installed.
        var nginx: Figure?
        var gateway: Figure
        /// The gateway's CPU against nginx's: the median of the rounds' ratios.
        var cpuRatio: Double?
        /// What the gateway adds to a call on a single connection, in microseconds: medians of the rounds' differences.
        var addedP50: Double
        var addedP99: Double
        /// Redis's CPU for a call through the gateway, in microseconds.
        var redisMicros: Double
        /// The gateway's resident memory in MiB.
        var idleMemory: Double
        var mostMemory: Double

        enum CodingKeys: String, CodingKey {
            case connections, requests, rounds, direct, nginx, gateway
            case isStream = "stream", cpuRatio = "cpu_ratio"
            case addedP50 = "added_p50_us", addedP99 = "added_p99_us", redisMicros = "redis_cpu_us"
            case idleMemory = "idle_memory_mib", mostMemory = "most_memory_mib"
        }
    }

    /// Starts everything, measures, and ends everything, also when it is cancelled.
    func run() async throws -> Report {
        let directory = try PrivateRedis.privateDirectory()
        // What was measured stands, also if the directory cannot be removed.
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let policyFile = directory + "/policy.yaml"
        guard FileManager.default.createFile(atPath: policyFile, contents: Data(Self.policy.utf8)) else {
            throw BenchError(description: "cannot write \(policyFile)")
        }
        let stack = try await DevStack.start(
            .init(directory: directory, policyFile: policyFile, gateways: 1, threads: 1, hasOutbox: hasOutbox))
        var nginx: PrivateNginx?
        let outcome = await Result {
            nginx = try await PrivateNginx.start(
                directory: directory, before: stack.ready.simulator, connections: connections, isStream: isStream)
            return try await measure(stack.ready, nginx: nginx)
        }
        await nginx?.child.end(patience: .seconds(5))
        await stack.stop()
        return try outcome.get()
    }

    private func measure(_ ready: DevReady, nginx: PrivateNginx?) async throws -> Report {
        guard let key = ready.keys["acme/alice"], let gatewayURL = ready.gateways.first,
            let gatewayPID = ready.pids["gateway-1"], let simulatorPID = ready.pids["simulator"],
            let redisPID = ready.pids["redis"]
        else { throw BenchError(description: "the private stack is not complete") }
        let direct = Yardstick(name: "simulator", url: ready.simulator, pid: simulatorPID)
        let gateway = Yardstick(name: "gateway", url: gatewayURL, pid: gatewayPID)
        let proxy = nginx.map { Yardstick(name: "nginx", url: $0.url, pid: $0.child.pid) }
        let idleMemory = try ProcessUse.memory(pid: gatewayPID).now
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var figures: [String: [Figure]] = [:]
        var redisMicros: [Double] = []
        // The first round warms up and is thrown away.
        for round in 0...rounds {
            for yardstick in [direct, proxy, gateway].compactMap(\.self) {
                try Task.checkCancellation()
                let redisBefore = try ProcessUse.cpuSeconds(pid: redisPID)
                let figure = try await measure(yardstick, key: key, on: group.next())
                guard round > 0 else { continue }
                figures[yardstick.name, default: []].append(figure)
                guard yardstick.pid == gatewayPID else { continue }
                let calls = Double(requests + (isStream ? 0 : requestsAlone))
                redisMicros.append((try ProcessUse.cpuSeconds(pid: redisPID) - redisBefore) * 1e6 / calls)
            }
        }
        try await group.shutdownGracefully()
        let (ours, bare) = (figures["gateway"] ?? [], figures["simulator"] ?? [])
        return Report(
            isStream: isStream, connections: connections, requests: requests, rounds: rounds, direct: .median(bare),
            nginx: figures["nginx"].map(Figure.median), gateway: .median(ours),
            cpuRatio: figures["nginx"].map { zip(ours, $0).map { $0.cpuMicros / $1.cpuMicros }.median },
            addedP50: zip(ours, bare).map { $0.aloneP50 - $1.aloneP50 }.median,
            addedP99: zip(ours, bare).map { $0.aloneP99 - $1.aloneP99 }.median, redisMicros: redisMicros.median,
            idleMemory: idleMemory, mostMemory: try ProcessUse.memory(pid: gatewayPID).most)
    }

    private var requestsAlone: Int { max(100, requests / 10) }

    private func measure(_ yardstick: Yardstick, key: String, on loop: any EventLoop) async throws -> Figure {
        guard let address = URLComponents(string: yardstick.url), let host = address.host, let port = address.port
        else {
            throw BenchError(description: "\(yardstick.url) is not an address")
        }
        let request = callRequest(host: "\(host):\(port)", key: key)
        var figure = Figure()
        let load = try await HTTPLoad.connect(host: host, port: port, connections: connections, on: loop)
        let before = try ProcessUse.cpuSeconds(pid: yardstick.pid)
        let busy = try await load.send(request, times: requests)
        let cpu = try ProcessUse.cpuSeconds(pid: yardstick.pid) - before
        let count = isStream ? busy.events : requests
        figure.rate = Double(count) / busy.seconds
        figure.cpuMicros = cpu * 1e6 / Double(max(count, 1))
        figure.failures = busy.failures
        (figure.p50, figure.p99) = (busy.latency(percentile: 50), busy.latency(percentile: 99))
        if !isStream {
            let alone = try await HTTPLoad.connect(host: host, port: port, connections: 1, on: loop)
                .send(request, times: requestsAlone)
            (figure.aloneP50, figure.aloneP99) = (alone.latency(percentile: 50), alone.latency(percentile: 99))
        }
        return figure
    }

    /// A call of the Messages API that is answered with about 1 KB, or a stream.
    private func callRequest(host: String, key: String) -> ByteBuffer {
        let simulate =
            isStream
            ? "input=1200;output=200;chunks=\(Self.eventsPerStream);delay-ms=\(Self.eventPauseMs)"
            : "input=1200;output=200"
        let body = """
            {"model":"claude-sonnet-4","max_tokens":1024,"stream":\(isStream),\
            "messages":[{"role":"user","content":"Write a short poem about rivers, weirs and the sea."}]}
            """
        return ByteBuffer(
            string: """
                POST /v1/messages HTTP/1.1\r
                host: \(host)\r
                x-api-key: \(key)\r
                anthropic-version: 2023-06-01\r
                content-type: application/json\r
                accept: application/json\r
                user-agent: weir-bench\r
                x-simulate: \(simulate)\r
                content-length: \(body.utf8.count)\r
                \r
                \(body)
                """)
    }

    /// Three limits that cover the call, and that it never meets.
    private static let policy = """
        products:
          default: { class: ai, billable: true, resource: ai_credits }
        classes:
          ai: { kill_switch: true }
        limits:
          - { id: ai-calls,   per: user, class: ai, unit: requests, window: 60s, amount: 1000000000 }
          - { id: day-tokens, per: user, class: ai, unit: tokens, period: day, amount: 1000000000000 }
          - { id: spend,      per: user, class: ai, unit: usd, period: month, amount: 1000000000.00 }
        """
}

extension GatewayBench.Figure {
    static func median(_ figures: [Self]) -> Self {
        Self(
            rate: figures.map(\.rate).median, cpuMicros: figures.map(\.cpuMicros).median,
            p50: figures.map(\.p50).median, p99: figures.map(\.p99).median,
            aloneP50: figures.map(\.aloneP50).median, aloneP99: figures.map(\.aloneP99).median,
            failures: figures.reduce(0) { $0 + $1.failures })
    }
}
