import Logging
import Synchronization
import WeirRedis

/// Settlements and releases that did not reach Redis. They are repeated, with the same id, until they stand.
final class UnsettledCalls: Sendable {
    /// With more than this many the node admits nothing new.
    static let largestCount = 50_000
    private static let firstWait: Duration = .milliseconds(20)
    private static let longestWait: Duration = .seconds(1)

    private let pool: RedisPool
    private let logger: Logger
    private let waiting = Mutex<[EndScript]>([])
    /// Being repeated at this moment: still not settled.
    private let underway = Mutex(0)
    private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(pool: RedisPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }

    var count: Int { waiting.withLock { $0.count } + underway.withLock { $0 } }
    var isFull: Bool { count >= Self.largestCount }

    func add(_ script: EndScript, because error: RedisError?) {
        logger.warning(
            "settlement will be repeated",
            metadata: [
                "reservation": "\(script.id.text)", "step": "\(script.end)",
                "error": "\(error.map { "\($0)" } ?? "shard not ready")",
            ])
        waiting.withLock { $0.append(script) }
        bell.continuation.yield()
    }

    /// Repeats until the task is cancelled.
    func run() async {
        for await _ in bell.stream {
            var wait = Self.firstWait
            while !Task.isCancelled, let script = next() {
                if await stands(script) {
                    underway.withLock { $0 = 0 }
                    wait = Self.firstWait
                    continue
                }
                waiting.withLock { $0.append(script) }
                underway.withLock { $0 = 0 }
                // Cancelled: `run` is over, and `count` says what is left.
                do { try await Task.sleep(for: wait) } catch { return }
                wait = min(wait * 2, Self.longestWait)
            }
            if Task.isCancelled { return }
        }
    }

    private func next() -> EndScript? {
        waiting.withLock { waiting in
            guard !waiting.isEmpty else { return nil }
            underway.withLock { $0 = 1 }
            return waiting.removeFirst()
        }
    }

    private func stands(_ script: EndScript) async -> Bool {
        do {
            let reply = try await script.run(on: pool.any)
            return reply != .notReady
        } catch {
            switch error {
            case .timedOut, .unavailable, .disconnected, .serverBusy, .writeRefused, .cancelled: break
            case .configuration, .server, .protocolViolation:
                logger.error(
                    "settlement refused; mend this, it is repeated until it stands",
                    metadata: ["reservation": "\(script.id.text)", "error": "\(error)"])
            }
            return false
        }
    }
}
