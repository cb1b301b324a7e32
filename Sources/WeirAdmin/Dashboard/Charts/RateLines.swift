/// Two counts per minute over the last hour: lines, and the same numbers as text.
struct RateLines: Sendable {
    /// Oldest first.
    let minutes: [MinuteCounts.Minute]

    private static let (width, height, top, left, bottom) = (720, 160, 10, 64, 22)

    var html: HTML {
        let largest = minutes.flatMap { [$0.admitted, $0.denied] }.max() ?? 0
        let scale = ChartScale(largest: max(4, largest))
        let inner = Self.height - Self.top - Self.bottom
        func y(_ count: Int) -> Int { Self.top + inner - scale.length(count, within: inner) }
        let span = max(1, MinuteCounts.kept - 1)
        func x(_ index: Int) -> Int {
            Self.left + (index + MinuteCounts.kept - minutes.count) * (Self.width - Self.left - 4) / span
        }
        func points(_ value: (MinuteCounts.Minute) -> Int) -> String {
            minutes.enumerated().map { "\(x($0.offset)),\(y(value($0.element)))" }.joined(separator: " ")
        }
        return el(
            "svg", .at(.viewBox, "0 0 \(Self.width) \(Self.height)"), .at(.role, "img"), .at(.ariaLabel, summary),
            .at(.focusable, "false")
        ) {
            for tick in scale.ticks {
                void(
                    "line", .css("grid"), .at(.x1, Self.left), .at(.x2, Self.width), .at(.y1, y(tick)),
                    .at(.y2, y(tick)))
                el(
                    "text", .css("tick"), .at(.x, Self.left - 8), .at(.y, y(tick) + 4), .at(.textAnchor, "end"),
                    text: Format.count(tick))
            }
            for (index, minute) in minutes.enumerated() where (minute.startMs / 60_000).isMultiple(of: 10) {
                el(
                    "text", .css("tick"), .at(.x, x(index)), .at(.y, Self.height - 5),
                    // The newest stands at the edge, and would be cut.
                    .at(.textAnchor, x(index) > Self.width - 20 ? "end" : "middle"),
                    text: Format.minute(minute.startMs))
            }
            void("polyline", .css("line admitted"), .at(.points, points(\.admitted)))
            void("polyline", .css("line denied"), .at(.points, points(\.denied)))
        }
    }

    private var summary: String {
        guard let last = minutes.last else { return "Calls per minute: nothing was counted yet." }
        return "Calls per minute over the last \(minutes.count) minutes; in the newest, "
            + "\(last.admitted) admitted and \(last.denied) denied."
    }
}
