/// One model that may serve a call, and what the call may cost on it.
public struct Candidate: Sendable, Hashable {
    public var model: String
    public var estimate: Estimate
    /// With the shortest answer worth having; nil: its answer cannot be shortened.
    public var least: Estimate?
    /// False: the model has no price of its own.
    public var isModelKnown: Bool

    public init(model: String, estimate: Estimate, least: Estimate? = nil, isModelKnown: Bool = true) {
        self.model = model
        self.estimate = estimate
        self.least = least
        self.isModelKnown = isModelKnown
    }
}

extension Call {
    /// The call as this model would serve it.
    public func served(by candidate: Candidate) -> Call {
        var call = self
        call.model = candidate.model
        return call
    }
}
