import Testing
import WeirTestSupport

@testable import WeirRedis

@Suite struct RedisBreakerTests {
    @Test func `only timeouts in a row open it, and only a probe closes it`() {
        var breaker = RedisBreaker(tripAfter: 3)
        for _ in 0..<10 {
            #expect(!breaker.timedOut() && !breaker.timedOut())
            breaker.answered()
        }
        #expect(!breaker.isOpen)
        #expect(!breaker.timedOut() && !breaker.timedOut() && breaker.timedOut())
        #expect(breaker.isOpen)
        breaker.answered()
        #expect(breaker.isOpen)
        breaker.close()
        #expect(!breaker.isOpen && !breaker.timedOut())
    }

    @Test func `waits grow to their ceiling, are spread below it, and are never zero`() {
        var generator = SeededGenerator()
        for _ in 0..<100 {
            var backoff = RedisBackoff()
            var ceilings: [Duration] = []
            for _ in 0..<50 {
                let ceiling = backoff.ceiling
                ceilings.append(ceiling)
                let pause = backoff.next(using: &generator)
                #expect(pause >= .milliseconds(1) && pause <= ceiling, "seed \(generator.seed)")
            }
            #expect(Array(ceilings.prefix(3)) == [.milliseconds(20), .milliseconds(40), .milliseconds(80)])
            #expect(ceilings.last == .seconds(1))
            backoff.reset()
            #expect(backoff.ceiling == .milliseconds(20))
        }
    }

    @Test func `of a reply and a cancellation at the same time exactly one is the outcome`() async {
        for _ in 0..<2000 {
            let task = Task {
                await RedisCall.outcome { call in
                    Task.detached { call.finish(.success(.integer(1))) }
                    Task.detached { call.finish(.failure(.timedOut)) }
                }
            }
            Task.detached { task.cancel() }
            let outcome = await task.value
            #expect([.success(.integer(1)), .failure(.timedOut), .failure(.cancelled)].contains(outcome))
        }
    }
}
