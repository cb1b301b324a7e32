extension Int {
    /// The sum, or the nearest representable number: counts that come from outside must never trap the process.
    public func addingSaturated(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    /// The product, or the nearest representable number.
    public func multipliedSaturated(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// The largest integer that a Lua number, a JSON number and Redis all keep exactly: 2^53 - 1.
    public static let largestExact = 9_007_199_254_740_991
}
