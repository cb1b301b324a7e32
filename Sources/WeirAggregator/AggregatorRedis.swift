import NIOCore
import WeirRedis

/// Redis as the aggregator uses it: patient, and with the replies it expects.
struct AggregatorRedis: Sendable {
    let pool: RedisPool
    let deadline: Duration
    let fixedNowMs: (@Sendable () -> Int)?

    nonisolated(nonsending) func send(_ command: [RedisArgument]) async throws(AggregatorError) -> RedisValue {
        do {
            return try await pool.send(command, deadline: deadline)
        } catch {
            throw AggregatorError(error)
        }
    }

    /// As ``RedisPool/run(_:keys:arguments:)``.
    /// - Throws: ``AggregatorError/fenced`` too, of scripts that check the leader's token.
    @discardableResult
    nonisolated(nonsending) func run(_ script: RedisScript, keys: [String], arguments: [RedisArgument])
        async throws(AggregatorError) -> RedisValue
    {
        let tail = [.int(keys.count)] + keys.map { RedisArgument.string($0) } + arguments
        do {
            do {
                return try await send(["EVALSHA", .string(script.sha1)] + tail)
            } catch .redis(.server(let text)) where text.hasPrefix("NOSCRIPT") {
                return try await send(["EVAL", .bytes(script.body)] + tail)
            }
        } catch .redis(.server(let text)) where text.hasPrefix("FENCED") {
            throw .fenced
        }
    }

    /// Redis's time, milliseconds since 1970.
    nonisolated(nonsending) func nowMs() async throws(AggregatorError) -> Int {
        if let fixedNowMs { return fixedNowMs() }
        guard case .array(let parts) = try await send(["TIME"]), parts.count == 2,
            let seconds = parts[0].words.flatMap({ Int($0) }), let micros = parts[1].words.flatMap({ Int($0) })
        else { throw .redis(.protocolViolation("TIME: not two numbers")) }
        return seconds * 1000 + micros / 1000
    }

    /// ``RedisRunID`` of the server now.
    nonisolated(nonsending) func runID() async throws(AggregatorError) -> String {
        guard let run = RedisRunID.read(info: try await send(RedisRunID.command).words ?? "") else {
            throw .redis(.protocolViolation("INFO server: no run_id"))
        }
        return run
    }

    /// What stands in the shards' epochs; nil: nothing.
    nonisolated(nonsending) func epochs(of shards: [Shard]) async throws(AggregatorError) -> [(Shard, String?)] {
        try await ofEach(shards) { ["GET", .string(RedisKeys.epoch($0))] }.map { ($0, $1.words) }
    }

    /// The reply to a command for each shard, all on their way at once.
    nonisolated(nonsending) func ofEach(
        _ shards: [Shard], _ command: @escaping @Sendable (Shard) -> [RedisArgument]
    ) async throws(AggregatorError) -> [(Shard, RedisValue)] {
        let answers = await withTaskGroup(of: (Shard, Result<RedisValue, AggregatorError>).self) { group in
            for shard in shards {
                group.addTask {
                    do throws(AggregatorError) {
                        return (shard, .success(try await send(command(shard))))
                    } catch {
                        return (shard, .failure(error))
                    }
                }
            }
            var answers: [(Shard, Result<RedisValue, AggregatorError>)] = []
            for await answer in group { answers.append(answer) }
            return answers
        }
        var replies: [(Shard, RedisValue)] = []
        for (shard, answer) in answers { replies.append((shard, try answer.get())) }
        return replies
    }

    /// Does `body` for every item, a few hundred on their way at once: enough to be quick, too few to hold up anybody.
    /// Fails if one fails, after all of its piece were tried.
    nonisolated(nonsending) func forEach<Item: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (Item) async throws(AggregatorError) -> Void
    ) async throws(AggregatorError) {
        for start in stride(from: 0, to: items.count, by: 256) {
            let failure = await withTaskGroup(of: AggregatorError?.self) { group in
                for item in items[start..<min(start + 256, items.count)] {
                    group.addTask {
                        do throws(AggregatorError) {
                            try await body(item)
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                var failure: AggregatorError?
                for await answer in group { failure = failure ?? answer }
                return failure
            }
            if let failure { throw failure }
        }
    }

    nonisolated(nonsending) func hash(_ key: String) async throws(AggregatorError) -> [String: String] {
        guard case .array(let parts) = try await send(["HGETALL", .string(key)]) else { return [:] }
        return RedisValue.dictionary(parts)
    }
}

extension RedisValue {
    /// A bulk or status reply as text. Named unlike the payloads of the cases.
    var words: String? {
        switch self {
        case .bulk(let buffer): String(buffer: buffer)
        case .status(let text): text
        case .integer(let number): String(number)
        case .null, .array, .error: nil
        }
    }

    /// Names and values in turn.
    static func dictionary(_ parts: [RedisValue]) -> [String: String] {
        var values: [String: String] = [:]
        for index in stride(from: 0, to: parts.count - 1, by: 2) {
            if let name = parts[index].words, let value = parts[index + 1].words { values[name] = value }
        }
        return values
    }
}
