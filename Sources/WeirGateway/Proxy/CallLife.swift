import WeirCore

/// The life of one admitted call, from its reservation to its settlement, as a pure value: it is told what happened and
/// says what to do. Whatever the order of events, it ends exactly once, and every ending says what is charged.
struct CallLife {
    enum Event: Hashable {
        /// The head of the request is on its way: from now on the provider may have taken the call.
        case requestSent
        /// A status below 200 or above 299 is an error of the provider's, which costs nothing.
        case head(status: Int)
        case end
        /// The connection to the provider could not be made, or broke.
        case failed
        /// The provider said nothing for too long.
        case silence
        case clientGone(mayDrain: Bool)
        /// An answer without a client reached the drain's cap.
        case drainedEnough
        /// The node gives up its calls.
        case stopped
    }

    enum Step: Hashable {
        case goOn
        /// Read the answer to its end for its usage alone, up to the drain's cap.
        case drain
        /// It is over. Cancel the provider's side unless it has ended by itself, then charge.
        case finish(Ending)
    }

    struct Ending: Hashable {
        var charge: Charge
        var outcome: UsageEvent.Outcome
        /// The status for the record: the provider's, or the one that the client is sent instead.
        var status: Int
        var answer: Answer
        var isOK: Bool { outcome == .completed }
    }

    enum Charge: Hashable {
        /// It never reached the provider: the reservation is released and nothing recorded.
        case nothingHappened
        /// It reached the provider, which took no money for it.
        case nothing
        /// What the provider said at the end, or the estimate where it said nothing.
        case reported
        /// The greater of what the provider said so far and what was seen.
        case observed
    }

    enum Answer: Hashable {
        /// The client has all of it.
        case complete
        /// The client has had nothing: a denial takes the answer's place.
        case deny(Denial.Reason)
        /// The client has had a part: the connection is cut, so that it cannot be taken for the whole.
        case cut
        /// There is no client any more.
        case nobody
    }

    private enum State {
        case connecting
        case waitingForHead
        case answering(status: Int)
        case ended
    }

    private var state = State.connecting
    private var isClientGone = false

    /// True until it has ended.
    var isAlive: Bool {
        if case .ended = state { false } else { true }
    }

    mutating func on(_ event: Event) -> Step {
        switch state {
        case .ended: .goOn
        case .connecting: onConnecting(event)
        case .waitingForHead: onWaiting(event)
        case .answering(let status) where (200...299).contains(status): onAnswering(event, status: status)
        case .answering(let status): onErrorAnswer(event, status: status)
        }
    }

    /// Nothing has left the node: whatever happens, the call did not.
    private mutating func onConnecting(_ event: Event) -> Step {
        switch event {
        case .requestSent:
            state = .waitingForHead
            return .goOn
        case .head(let status):
            state = .answering(status: status)
            return .goOn
        case .end, .failed: return finish(.nothingHappened, .providerCut, 502, .deny(.providerUnavailable))
        case .silence: return finish(.nothingHappened, .providerTimeout, 504, .deny(.providerTimeout))
        case .clientGone, .drainedEnough:
            isClientGone = true
            return finish(.nothingHappened, .clientGone, 0, .nobody)
        case .stopped: return finish(.nothingHappened, .nodeStopped, 503, .deny(.degraded))
        }
    }

    /// The provider may be working on it, and may bill it: from here on at least the input is charged.
    private mutating func onWaiting(_ event: Event) -> Step {
        switch event {
        case .requestSent: return .goOn
        case .head(let status):
            state = .answering(status: status)
            return .goOn
        case .end, .failed: return finish(.observed, .providerCut, 502, .deny(.providerUnavailable))
        case .silence: return finish(.observed, .providerTimeout, 504, .deny(.providerTimeout))
        case .clientGone(let mayDrain): return clientGone(mayDrain: mayDrain, charge: .observed, status: 0)
        case .drainedEnough: return finish(.observed, .clientGone, 0, .nobody)
        case .stopped: return finish(.observed, .nodeStopped, 503, .deny(.degraded))
        }
    }

    private mutating func onAnswering(_ event: Event, status: Int) -> Step {
        switch event {
        case .requestSent, .head: return .goOn
        case .end: return finish(.reported, isClientGone ? .clientGone : .completed, status, .complete)
        case .failed: return finish(.observed, isClientGone ? .clientGone : .providerCut, status, .cut)
        case .silence: return finish(.observed, isClientGone ? .clientGone : .providerTimeout, status, .cut)
        case .clientGone(let mayDrain): return clientGone(mayDrain: mayDrain, charge: .observed, status: status)
        case .drainedEnough: return finish(.observed, .clientGone, status, .nobody)
        case .stopped: return finish(.observed, isClientGone ? .clientGone : .nodeStopped, status, .cut)
        }
    }

    private mutating func onErrorAnswer(_ event: Event, status: Int) -> Step {
        switch event {
        case .requestSent, .head: .goOn
        case .end: finish(.nothing, .providerError, status, .complete)
        case .failed, .silence, .stopped: finish(.nothing, .providerError, status, .cut)
        case .clientGone, .drainedEnough: finish(.nothing, .providerError, status, .nobody)
        }
    }

    private mutating func clientGone(mayDrain: Bool, charge: Charge, status: Int) -> Step {
        isClientGone = true
        return mayDrain ? .drain : finish(charge, .clientGone, status, .nobody)
    }

    private mutating func finish(
        _ charge: Charge, _ outcome: UsageEvent.Outcome, _ status: Int, _ answer: Answer
    ) -> Step {
        state = .ended
        let answer = isClientGone ? .nobody : answer
        return .finish(
            Ending(charge: charge, outcome: outcome, status: status, answer: answer))
    }
}
