import Logging
import Synchronization
import WeirRedis

/// Forgets what the ledger has, and has repeated what Redis may have lost.
extension Outbox {
    /// How often a node looks whether its shards still have what it sent them.
    static let lookEvery: Duration = .milliseconds(200)
    /// So many settlements at most wait in memory to be repeated; the others wait in the file.
    static let repeatedAtOnce = 1000

    /// Works until the task is cancelled.
    func run(pool: RedisPool, shardCount: Int, unsettled: UnsettledCalls) async {
        await withTaskGroup { group in
            group.addTask { await self.inherit(unsettled) }
            group.addTask {
                var turn = 0
                while !Task.isCancelled {
                    // Now and then at those without rows, too: what is sent to them next is sent by what is known of them.
                    await self.look(pool, at: turn % 25 == 0 ? Shard.all(count: shardCount) : self.shardsWithRows)
                    await self.takeStock(unsettled)
                    if turn % 5 == 0 { await self.upkeepOfFiles() }
                    turn += 1
                    do { try await Task.sleep(for: Self.lookEvery) } catch { return }
                }
            }
        }
    }

    /// What an earlier process left, page by page: it may have been charged, so it is repeated with the same ids.
    private func inherit(_ unsettled: UnsettledCalls) async {
        while !Task.isCancelled, let numbers = state.withLock({ $0.inherited }) {
            if unsettled.count >= Self.repeatedAtOnce {
                do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
                continue
            }
            do throws(OutboxError) {
                let page = try await rows(in: numbers, count: 500)
                let next = (page.last?.number ?? numbers.upperBound) + 1
                state.withLock { $0.inherited = next <= numbers.upperBound ? next...numbers.upperBound : nil }
                for row in page { repeated(row, epoch: nil, unsettled) }
            } catch {
                logger.error("the outbox cannot be read", metadata: ["error": "\(error)"])
                do { try await Task.sleep(for: .seconds(1)) } catch { return }
            }
        }
    }

    /// - Parameter epoch: in which it may have been charged; nil: the one that stands in the row.
    private func repeated(_ row: OutboxRow, epoch: String?, _ unsettled: UnsettledCalls) {
        unsettled.again(
            UnsettledCall(script: row.script, ticket: row.ticket, mayHaveRun: true, epoch: epoch ?? row.epoch))
    }

    private var shardsWithRows: [Shard] {
        state.withLock { Array($0.rows.keys) }.map { Shard(number: $0) }
    }

    /// Reads epoch and mark of these shards.
    private func look(_ pool: RedisPool, at shards: [Shard]) async {
        guard let run = await run(pool) else { return }
        let answers = await pool.any.send(
            together: shards.flatMap { [CommittedMark.read($0), ["GET", .string(RedisKeys.epoch($0))]] })
        state.withLock { state in
            state.run = run
            for (index, shard) in shards.enumerated() {
                // What is not answered is asked again the next time.
                guard case .success(let fields) = answers[2 * index], let mark = CommittedMark(fields),
                    case .success(let epoch) = answers[2 * index + 1]
                else { continue }
                state.shards[shard.number, default: ShardRows()].epoch = epoch.text
                state.shards[shard.number, default: ShardRows()].mark = mark
                state.shards[shard.number, default: ShardRows()].isFresh = true
            }
        }
    }

    /// Which run of redis-server this is; nil: it does not say now, and is asked again.
    private func run(_ pool: RedisPool) async -> String? {
        do { return RedisRunID.read(info: try await pool.any.send(RedisRunID.command).text ?? "") } catch { return nil }
    }

    /// Sorts what was sent by what has just been read.
    private func takeStock(_ unsettled: UnsettledCalls) async {
        let room = max(0, Self.repeatedAtOnce - unsettled.count)
        let (committed, lost) = state.withLock { state in
            var committed: [OutboxRow.Ticket] = []
            var lost: [Sent] = []
            for number in state.shards.keys where state.shards[number]?.isFresh == true {
                state.shards[number]?.takeStock(&committed, &lost, mostLost: room, run: state.run)
            }
            return (committed, lost)
        }
        forget(committed)
        guard !lost.isEmpty else { return }
        logger.warning(
            "Redis may have lost usage events that the ledger does not have; they are sent again",
            metadata: ["events": "\(lost.count)"])
        var waiting = Dictionary(lost.map { ($0.ticket.number, $0) }) { $1 }
        do throws(OutboxError) {
            for row in try await rows(lost.map(\.ticket.number)) {
                let sent = waiting.removeValue(forKey: row.number)
                repeated(row, epoch: sent?.place.life, unsettled)
            }
        } catch {
            logger.error("the outbox cannot be read", metadata: ["error": "\(error)"])
        }
        // What is not in the file yet, or cannot be read now, is lost still the next time.
        for row in waiting.values { sent(row.ticket, row.place) }
    }

    private func upkeepOfFiles() async {
        do throws(OutboxError) {
            try await files.wait { Result { () throws(OutboxError) in try self.keepUpFiles() } }
        } catch {
            logger.error("the outbox's files", metadata: ["error": "\(error)"])
        }
    }
}

extension Outbox.ShardRows {
    /// Takes out what is committed, and up to `mostLost` of what is lost.
    mutating func takeStock(
        _ committed: inout [OutboxRow.Ticket], _ lost: inout [Outbox.Sent], mostLost: Int, run: String
    ) {
        isFresh = false
        // Nearly in the order of the stream: behind many that have to stay nearly all do.
        var kept: [Outbox.Sent] = []
        var looked = 0
        while looked < sent.count, kept.count < 64 {
            let row = sent[looked]
            looked += 1
            switch OutboxPlan.standing(row.place, epoch: epoch, mark: mark, run: run) {
            case .committed: committed.append(row.ticket)
            case .lost where lost.count < mostLost: lost.append(row)
            case .lost, .waits: kept.append(row)
            }
        }
        sent.replaceSubrange(0..<looked, with: kept)
    }
}
