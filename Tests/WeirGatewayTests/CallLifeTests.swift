import Testing
import WeirCore

@testable import WeirGateway

@Suite struct CallLifeTests {
    typealias Event = CallLife.Event
    typealias Ending = CallLife.Ending

    /// What the events lead to; nil: it has not ended.
    private func ending(_ events: [Event]) -> Ending? {
        var life = CallLife()
        var ending: Ending?
        for event in events {
            if case .finish(let last) = life.on(event) {
                #expect(ending == nil, "a call ends once")
                ending = last
            }
        }
        #expect(life.isAlive == (ending == nil))
        return ending
    }

    @Test(arguments: [
        (
            [Event.failed],
            Ending(charge: .nothingHappened, outcome: .providerCut, status: 502, answer: .deny(.providerUnavailable))
        ),
        (
            [.silence],
            Ending(charge: .nothingHappened, outcome: .providerTimeout, status: 504, answer: .deny(.providerTimeout))
        ),
        (
            [.clientGone(mayDrain: true)],
            Ending(charge: .nothingHappened, outcome: .clientGone, status: 0, answer: .nobody)
        ),
        ([.stopped], Ending(charge: .nothingHappened, outcome: .nodeStopped, status: 503, answer: .deny(.degraded))),
    ])
    func `a call that was never sent is released`(events: [Event], expected: Ending) {
        #expect(ending(events) == expected)
    }

    @Test(arguments: [
        (
            [Event.failed],
            Ending(charge: .observed, outcome: .providerCut, status: 502, answer: .deny(.providerUnavailable))
        ),
        (
            [.silence],
            Ending(charge: .observed, outcome: .providerTimeout, status: 504, answer: .deny(.providerTimeout))
        ),
        ([.clientGone(mayDrain: false)], Ending(charge: .observed, outcome: .clientGone, status: 0, answer: .nobody)),
        (
            [.clientGone(mayDrain: true), .drainedEnough],
            Ending(charge: .observed, outcome: .clientGone, status: 0, answer: .nobody)
        ),
        (
            [.clientGone(mayDrain: true), .failed],
            Ending(charge: .observed, outcome: .providerCut, status: 502, answer: .nobody)
        ),
        ([.stopped], Ending(charge: .observed, outcome: .nodeStopped, status: 503, answer: .deny(.degraded))),
    ])
    func `a call that was sent and not answered is charged what it has surely used`(events: [Event], expected: Ending) {
        #expect(ending([.requestSent] + events) == expected)
    }

    @Test(arguments: [
        ([Event.end], Ending(charge: .reported, outcome: .completed, status: 200, answer: .complete)),
        ([.failed], Ending(charge: .observed, outcome: .providerCut, status: 200, answer: .cut)),
        ([.silence], Ending(charge: .observed, outcome: .providerTimeout, status: 200, answer: .cut)),
        ([.stopped], Ending(charge: .observed, outcome: .nodeStopped, status: 200, answer: .cut)),
        ([.clientGone(mayDrain: false)], Ending(charge: .observed, outcome: .clientGone, status: 200, answer: .nobody)),
        (
            [.clientGone(mayDrain: true), .end],
            Ending(charge: .reported, outcome: .clientGone, status: 200, answer: .nobody)
        ),
        (
            [.clientGone(mayDrain: true), .drainedEnough],
            Ending(charge: .observed, outcome: .clientGone, status: 200, answer: .nobody)
        ),
        (
            [.clientGone(mayDrain: true), .failed],
            Ending(charge: .observed, outcome: .clientGone, status: 200, answer: .nobody)
        ),
        (
            [.clientGone(mayDrain: true), .silence],
            Ending(charge: .observed, outcome: .clientGone, status: 200, answer: .nobody)
        ),
    ])
    func `an answered call is charged what was reported, and what was observed if it broke off`(
        events: [Event], expected: Ending
    ) {
        #expect(ending([.requestSent, .head(status: 200)] + events) == expected)
    }

    @Test(
        arguments: [301, 400, 401, 429, 500, 529],
        [Event.end, .failed, .silence, .stopped, .clientGone(mayDrain: true)])
    func `an error of the provider costs nothing, however it ends`(status: Int, event: Event) throws {
        let ending = try #require(self.ending([.requestSent, .head(status: status), event]))
        #expect(ending.charge == .nothing)
        #expect(ending.outcome == .providerError)
        #expect(ending.status == status)
        #expect(!ending.isOK)
    }

    @Test func `whatever happens in whatever order, a call ends exactly once, and a sent one is never given back`() {
        let events: [Event] = [
            .requestSent, .head(status: 200), .head(status: 500), .end, .failed, .silence, .clientGone(mayDrain: true),
            .clientGone(mayDrain: false), .drainedEnough, .stopped,
        ]
        // All sequences of four, then one that always ends a call.
        for first in events {
            for second in events {
                for third in events {
                    for fourth in events {
                        let sequence = [first, second, third, fourth, .stopped]
                        let result = ending(sequence)
                        #expect(result != nil)
                        if first == .requestSent { #expect(result?.charge != .nothingHappened) }
                    }
                }
            }
        }
    }
}
