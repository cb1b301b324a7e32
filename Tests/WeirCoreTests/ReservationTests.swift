import Testing
import WeirCore

@Suite struct ReservationTests {
    private func hold(_ limit: String, _ held: Int, isCharged: Bool = true) -> Reservation.Hold {
        Reservation.Hold(
            limit: limit, subject: "team:acme", unit: .usd, key: "k", counter: .inFlight, held: held, amount: 9,
            remaining: 1, resetsInMs: 0, isCharged: isCharged)
    }

    private func reservation(_ holds: [Reservation.Hold], sides: [Reservation.Part] = []) -> Reservation {
        Reservation(
            id: "01", admittedAtMs: 1, leaseMs: 1,
            call: Call(
                team: "acme", user: nil, groups: [], key: "k", product: "p", callClass: "ai", billable: true,
                resource: nil, model: "m"),
            candidate: 0, estimate: nil, bound: nil, shard: 1, holds: holds, sideParts: sides)
    }

    @Test func `what a call held is told limit by limit, whichever shard they are in, and only what it is charged`() {
        #expect(reservation([]).heldText == nil)
        #expect(reservation([hold("a", 5, isCharged: false)]).heldText == nil)
        let side = Reservation.Part(shard: 2, admittedAtMs: 1, holds: [hold("everybody", .max)])
        let holds = [hold("ai-calls", 1), hold("no", 5, isCharged: false), hold("größe", .min)]
        #expect(
            reservation(holds, sides: [side]).heldText
                == "ai-calls=1 größe=-9223372036854775808 everybody=9223372036854775807")
    }
}
