import Synchronization
import WeirCore

/// Work that takes longer than a page may: known by its id to whoever began it, while the process lives.
final class JobStore: Sendable {
    /// Further ones push out the oldest that have ended.
    static let mostKept = 20
    static let mostRunning = 2

    private let jobs = Mutex<[PolicyTrial]>([])

    /// Begins the work; nil: too much is running already.
    func begin(_ trial: PolicyTrial, _ work: @escaping @Sendable (PolicyTrial) async -> Void) -> Bool {
        let isTaken = jobs.withLock { jobs in
            guard jobs.count(where: \.isRunning) < Self.mostRunning else { return false }
            if jobs.count >= Self.mostKept, let oldest = jobs.firstIndex(where: { !$0.isRunning }) {
                jobs.remove(at: oldest)
            }
            jobs.append(trial)
            return true
        }
        if isTaken { Task { await work(trial) } }
        return isTaken
    }

    func job(_ id: String, of actor: AdminActor) -> PolicyTrial? {
        jobs.withLock { $0.first { $0.id == id && $0.owner == actor.name } }
    }
}

/// A proposed policy, tried on the calls of the last days.
final class PolicyTrial: Sendable {
    let id: String
    /// Who began it, and alone may see it.
    let owner: String
    let yaml: String
    let policy: Policy
    let days: Int

    struct Progress: Sendable, Hashable {
        var done = 0
        /// About; 0: not known yet.
        var total = 0

        var text: String {
            total == 0
                ? "Beginning…" : "\(Format.count(done)) of about \(Format.count(total)) calls replayed"
        }
    }

    enum State: Sendable {
        case running(Progress)
        case finished(SimulationAnswer)
        case failed(AdminError)
    }

    private let current = Mutex(State.running(Progress()))

    init(id: String, owner: String, yaml: String, policy: Policy, days: Int) {
        self.id = id
        self.owner = owner
        self.yaml = yaml
        self.policy = policy
        self.days = days
    }

    var state: State { current.withLock { $0 } }
    var isRunning: Bool { if case .running = state { true } else { false } }
    func become(_ state: State) { current.withLock { $0 = state } }
}
