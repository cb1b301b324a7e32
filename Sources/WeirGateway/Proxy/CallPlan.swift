import NIOCore
import WeirCore
import WeirProviders

struct CallPlan {
    let model: String
    let estimate: Estimate
    let body: ByteBuffer?
    let meter = CallMeter()
    init(route: Route, body: ByteBuffer, record: APIKeyRecord, policy: Policy, prices: PriceTable) throws(Refusal) {
        model = "x"
        self.body = body.readableBytes > 0 ? body : nil
        estimate = Estimate(tokens: 1, cost: .zero, observed: .zero, observedCost: .zero)
    }
    func event(for call: Call, labels: CallLabels, id: String) -> UsageEvent {
        UsageEvent(
            id: id, calledAtMs: 0, team: call.team, product: call.product, billable: call.billable,
            callClass: call.callClass, endpoint: "messages", provider: "anthropic", requestedModel: model,
            model: model, priceVersion: "0")
    }
}
