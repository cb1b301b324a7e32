import Testing
import WeirRedis
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct OutboxPlanTests {
    private static let mark = CommittedMark(life: "l", run: "r", epoch: "e", below: StreamID(ms: 5, sequence: 1))

    @Test(
        arguments: [
            (HandedOn(run: "r", life: "e", id: .init(ms: 5, sequence: 0)), "e", OutboxPlan.Standing.committed),
            (HandedOn(run: "r", life: "e", id: .init(ms: 5, sequence: 1)), "e", .waits),
            (HandedOn(run: "r", life: "l", id: .init(ms: 4, sequence: 9)), nil, .committed),
            (HandedOn(run: "r", life: "l", id: .init(ms: 9, sequence: 0)), nil, .waits),
            (HandedOn(run: "r", life: "e", id: .init(ms: 9, sequence: 0)), nil, .lost),
            (HandedOn(run: "r", life: "e", id: .init(ms: 9, sequence: 0)), "f", .lost),
            (HandedOn(run: "r", life: "f", id: .init(ms: 9, sequence: 0)), "f", .waits),
            (HandedOn(run: "r", life: "f", id: .init(ms: 1, sequence: 0)), "f", .waits),
            (HandedOn(run: "q", life: "e", id: .init(ms: 1, sequence: 0)), "e", .lost),
            (HandedOn(run: "", life: "e", id: .init(ms: 1, sequence: 0)), "e", .lost),
        ] as [(HandedOn, String?, OutboxPlan.Standing)])
    func `an id counts only in the run and the life in which it was given`(
        place: HandedOn, epoch: String?, standing: OutboxPlan.Standing
    ) {
        #expect(OutboxPlan.standing(place, epoch: epoch, mark: Self.mark, run: "r") == standing)
    }

    @Test func `what was sent in a new run waits until its aggregator has said something`() {
        let place = HandedOn(run: "s", life: "e", id: .init(ms: 1, sequence: 0))
        #expect(OutboxPlan.standing(place, epoch: "e", mark: Self.mark, run: "s") == .waits)
        #expect(OutboxPlan.standing(place, epoch: "f", mark: Self.mark, run: "s") == .lost)
        #expect(OutboxPlan.standing(place, epoch: "e", mark: Self.mark, run: "t") == .lost)
    }

    @Test func `before anything was said of a stream its epoch alone counts`() {
        let place = HandedOn(run: "", life: "e", id: .init(ms: 5, sequence: 0))
        #expect(OutboxPlan.standing(place, epoch: "e", mark: CommittedMark(), run: "r") == .waits)
        #expect(OutboxPlan.standing(place, epoch: nil, mark: CommittedMark(), run: "r") == .lost)
    }

    @Test(
        arguments: [
            ("e", "e", OutboxPlan.Repetition.settle), ("e", "f", .handOn), ("e", nil, .handOn), (nil, "e", .handOn),
            (nil, nil, .handOn),
        ] as [(String?, String?, OutboxPlan.Repetition)])
    func `what may have been charged is settled again only in the same epoch`(
        then: String?, now: String?, repetition: OutboxPlan.Repetition
    ) {
        #expect(OutboxPlan.repetition(mayHaveRunIn: then, now: now) == repetition)
    }

    /// A shard's stream and marks, with every way to lose them.
    private struct Shard {
        struct Kept {
            var stream: [(id: StreamID, event: Int)] = []
            var lastID = StreamID(ms: 0, sequence: 0)
            var epoch: String?
            var mark = CommittedMark()
        }
        var now = Kept()
        var snapshot = Kept()
        var run = 0
        var ledger: Set<Int> = []
        var clockMs: UInt64 = 1
        private var names = 0

        mutating func name() -> String {
            names += 1
            return "n\(names)"
        }

        mutating func append(_ event: Int) -> StreamID {
            let id = StreamID(ms: clockMs, sequence: 0)
            now.lastID = id > now.lastID ? id : StreamID(ms: now.lastID.ms, sequence: now.lastID.sequence + 1)
            now.stream.append((now.lastID, event))
            return now.lastID
        }

        /// Ingest up to `count`, then lua/trim.lua.
        mutating func ingest(_ count: Int) {
            ledger.formUnion(now.stream.prefix(count).map(\.event))
            now.stream.removeFirst(min(count, now.stream.count))
            now.mark.run = "run\(run)"
            now.mark.epoch = now.epoch ?? ""
            now.mark.below = now.stream.first?.id ?? StreamID(ms: now.lastID.ms, sequence: now.lastID.sequence + 1)
        }
    }

    @Test(arguments: 0..<200)
    func `whatever Redis loses, what is said to be committed is in the ledger, and in the end all is`(_ round: Int) {
        var random = SeededGenerator()
        let seed = random.seed
        var shard = Shard()
        var next = 0
        var rows: [Int: HandedOn] = [:]
        var known = CommittedMark()
        func standing(_ place: HandedOn) -> OutboxPlan.Standing {
            OutboxPlan.standing(place, epoch: shard.now.epoch, mark: shard.now.mark, run: "run\(shard.run)")
        }
        // As a node: what it knows of the run is as old as its last look.
        func look() {
            known = shard.now.mark
            for (event, place) in rows {
                switch standing(place) {
                case .committed:
                    #expect(shard.ledger.contains(event), "event \(event), seed \(seed)")
                    rows[event] = nil
                case .waits: break
                case .lost:
                    if shard.now.epoch == nil, shard.now.mark.life.isEmpty { shard.now.mark.life = shard.name() }
                    let id = shard.append(event)
                    rows[event] = HandedOn(
                        run: "run\(shard.run)", life: shard.now.epoch ?? shard.now.mark.life, id: id)
                }
            }
        }
        for _ in 0..<300 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<7:
                guard let epoch = shard.now.epoch else { break }
                rows[next] = HandedOn(run: known.run, life: epoch, id: shard.append(next))
                next += 1
            case 7..<11: shard.ingest(Int.random(in: 0...4, using: &random))
            case 11..<15: look()
            case 15: if shard.now.epoch == nil, shard.now.stream.isEmpty { shard.now.epoch = shard.name() }
            case 16: shard.snapshot = shard.now
            case 17:
                // Comes back as it was at the snapshot, maybe with its clock put back.
                (shard.now, shard.run) = (shard.snapshot, shard.run + 1)
                if Bool.random(using: &random) { shard.clockMs = max(1, shard.clockMs / 2) }
            case 18: shard.now = Shard.Kept()
            default: shard.clockMs += UInt64.random(in: 0...3, using: &random)
            }
        }
        for _ in 0..<8 {
            look()
            shard.ingest(.max)
            if shard.now.epoch == nil { shard.now.epoch = shard.name() }
        }
        look()
        #expect(rows.isEmpty, "seed \(seed)")
        #expect(shard.ledger == Set(0..<next), "seed \(seed)")
    }
}
