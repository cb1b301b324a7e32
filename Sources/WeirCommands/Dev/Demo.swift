import Foundation

/// The demo's story: what Weir does, one scene after the other, told as it happens.
struct Demo: Sendable {
    let ready: DevReady

    /// Returns never, unless it is cancelled: after the story the traffic goes on, quietly.
    func run() async throws {
        try await DemoClient.with(ready: ready) { client in
            try await ordinaryTraffic(client)
            try await tooManyCalls(client)
            try await downTheLadder(client)
            try await creditsUsedUp(client)
            try await switchThrown(client)
            try await switchedOff(client)
            try await goOn(client)
        }
    }

    private func ordinaryTraffic(_ client: DemoClient) async throws {
        say(
            "\n── 1. Ordinary traffic: four people in three teams, both APIs, plain and streamed, through both gateways"
        )
        var tally = DemoTally()
        for round in 0..<4 {
            for person in ready.keys.keys.sorted() {
                tally.add(
                    try await client.call(
                        person, api: round % 2 == 0 ? .anthropic : .openAI, isStream: round >= 2,
                        simulate: "input=\(300 * (round + 1));output=120;chunks=6"))
            }
        }
        say("   \(tally)")
        try await say("   The ledger has it: \(client.spentText())")
    }

    private func tooManyCalls(_ client: DemoClient) async throws {
        say("\n── 2. alice of acme, who has made 4 calls, sends 30 more at once; ai-calls admits 20 in any 60 seconds")
        let tally = try await withThrowingTaskGroup(of: DemoAnswer.self) { group in
            for _ in 0..<30 { group.addTask { try await client.call("acme/alice", simulate: "input=50;output=10") } }
            return try await group.reduce(into: DemoTally()) { $0.add($1) }
        }
        say("   \(tally)")
        tally.sayFirstDenial()
        say("   bob, in the same team, is not concerned: \(try await client.call("acme/bob"))")
    }

    private func downTheLadder(_ client: DemoClient) async throws {
        say(
            "\n── 3. bob tries the model auto through the product trial, with 0.10 USD a day; from 80 % on it gets cheaper"
        )
        var count = 0
        var model: String?
        while count < 100 {
            let answer = try await client.call(
                "acme/bob", model: "auto", product: "trial", maxTokens: 100, simulate: "input=200;output=100")
            if answer.model != model || !answer.isAdmitted {
                if let model { say("   \(count) calls served by \(model)") }
                (count, model) = (0, answer.model)
            }
            if !answer.isAdmitted {
                say("   then: \(answer)")
                return
            }
            count += 1
        }
    }

    private func creditsUsedUp(_ client: DemoClient) async throws {
        say("\n── 4. carol of globex uses a dear model; globex has 3.00 USD of ai_credits a month")
        for number in 1...20 {
            let answer = try await client.call(
                "globex/carol", model: "claude-opus-4", maxTokens: 12_000, simulate: "input=2000;output=12000")
            say("   call \(number): \(answer)")
            if !answer.isAdmitted { break }
            // What a call cost is in the ledger a moment later, and then the aggregator judges.
            try await Task.sleep(for: .milliseconds(400))
        }
        say("   The aggregator has put globex into the limited set until the month ends (weir limited list).")
        say("   Another team is not concerned: initech: \(try await client.call("initech/dave"))")
    }

    private func switchThrown(_ client: DemoClient) async throws {
        say("\n── 5. dave of initech goes on; at 6.00 USD a day, all teams together, the kill switch is thrown")
        for number in 1...20 {
            let answer = try await client.call(
                "initech/dave", model: "claude-opus-4", maxTokens: 10_000, simulate: "input=1000;output=10000")
            say("   call \(number): \(answer)")
            if answer.reason == "kill_switch" || answer.reason == "team_limited" && number > 19 { break }
            if answer.reason == "team_limited" {
                say("   initech has used up its credits, too; bob of acme spends the rest.")
                try await spendRest(client)
                break
            }
            try await Task.sleep(for: .milliseconds(400))
        }
        say("   AI calls are answered 503 now: \(try await client.call("acme/bob"))")
        say(
            "   The product search is of a class that the switch leaves alone: \(try await client.call("acme/bob", product: "search"))"
        )
    }

    private func spendRest(_ client: DemoClient) async throws {
        for number in 1...20 {
            let answer = try await client.call(
                "acme/bob", model: "claude-opus-4", maxTokens: 8000, simulate: "input=1000;output=8000")
            say("   call \(number) of bob: \(answer)")
            if !answer.isAdmitted { return }
            try await Task.sleep(for: .milliseconds(400))
        }
    }

    private func switchedOff(_ client: DemoClient) async throws {
        say("\n── 6. The operator takes the switch back:  weir kill-switch off --reason \"the demo goes on\"")
        try await client.switchOff()
        let deadline = ContinuousClock.now + .seconds(5)
        var answer = try await client.call("acme/bob")
        while answer.reason == "kill_switch", ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
            answer = try await client.call("acme/bob")
        }
        say("   bob: \(answer)")
        try await say("   Spent in all: \(client.spentText())")
    }

    private func goOn(_ client: DemoClient) async throws {
        say("\n── The story is over; light traffic goes on until Ctrl-C. Try the commands above in another terminal.")
        while true {
            var tally = DemoTally()
            let end = ContinuousClock.now + .seconds(15)
            while ContinuousClock.now < end {
                for person in ready.keys.keys.sorted() {
                    tally.add(try await client.call(person, api: .openAI, simulate: "input=200;output=60"))
                }
                try await Task.sleep(for: .seconds(5))
            }
            try await say("   \(tally); \(client.spentText())")
        }
    }
}
