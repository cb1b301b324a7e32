import WeirCore

/// What of an amount is used, reserved and left, as one bar.
struct LimitBar: Sendable {
    let used: Int
    let reserved: Int
    /// 0: unlimited, and there is no bar.
    let amount: Int

    private static let length = 1000

    var html: HTML {
        guard amount > 0 else { return el("span", .css("none"), text: "unlimited") }
        let usedEnd = share(used)
        let reservedEnd = max(usedEnd, share(used.addingSaturated(max(0, reserved))))
        let percent = Format.percent(used.addingSaturated(max(0, reserved)), of: amount) ?? 0
        let level = percent >= 100 ? "full" : percent >= 80 ? "high" : "low"
        return el(
            "svg", .css("bar \(level)"), .at(.viewBox, "0 0 \(Self.length) 10"), .at(.preserveAspectRatio, "none"),
            .at(.role, "img"), .at(.ariaLabel, "\(percent) % used or reserved"), .at(.focusable, "false")
        ) {
            void("rect", .css("room"), .at(.width, Self.length), .at(.height, 10))
            void("rect", .css("used"), .at(.width, usedEnd), .at(.height, 10))
            void(
                "rect", .css("reserved"), .at(.x, usedEnd), .at(.width, reservedEnd - usedEnd), .at(.height, 10))
        }
    }

    /// Something is seen of whatever is more than nothing.
    private func share(_ units: Int) -> Int {
        guard units > 0 else { return 0 }
        if units >= amount { return Self.length }
        return max(4, min(units, 1 << 52) * Self.length / amount)
    }
}
