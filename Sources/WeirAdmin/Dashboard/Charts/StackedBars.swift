import WeirCore

/// Money per day, stacked by name: the picture, its legend, and the same numbers as a table.
struct StackedBars: Sendable {
    /// What one colour stands for, in the order of the legend; the last may be all others.
    let series: [String]
    /// In order; each with one sum per series, micro-dollars.
    let days: [Day]
    /// What the pictures says in one sentence.
    let summary: String

    struct Day: Sendable, Hashable {
        let day: UTCDay
        let micros: [Int]
        var total: Int { micros.reduce(0) { $0.addingSaturated(max(0, $1)) } }
    }

    /// As many as there are colours, the last of them for all others.
    static let mostSeries = 8
    private static let (width, height, top, left, bottom) = (720, 220, 12, 64, 24)

    var isEmpty: Bool { days.allSatisfy { $0.total == 0 } }

    var html: HTML {
        let scale = ChartScale(largest: days.map(\.total).max() ?? 0)
        let inner = Self.height - Self.top - Self.bottom
        func y(_ micros: Int) -> Int { Self.top + inner - scale.length(micros, within: inner) }
        let pitch = (Self.width - Self.left) / max(1, days.count)
        return el("figure", .css("chart")) {
            el("ul", .css("legend")) {
                for (index, name) in series.enumerated() {
                    el("li") {
                        el("span", .css("swatch s\(index)"), .at(.ariaHidden, "true")) { .empty }
                        name
                    }
                }
            }
            el(
                "svg", .at(.viewBox, "0 0 \(Self.width) \(Self.height)"), .at(.role, "img"),
                .at(.ariaLabel, summary), .at(.focusable, "false")
            ) {
                for tick in scale.ticks {
                    void(
                        "line", .css("grid"), .at(.x1, Self.left), .at(.x2, Self.width), .at(.y1, y(tick)),
                        .at(.y2, y(tick)))
                    el(
                        "text", .css("tick"), .at(.x, Self.left - 8), .at(.y, y(tick) + 4), .at(.textAnchor, "end"),
                        text: Format.money(tick))
                }
                for (index, day) in days.enumerated() {
                    bar(day, x: Self.left + index * pitch, width: max(1, pitch - 4), scale, inner)
                    if index.isMultiple(of: max(1, days.count / 6)) {
                        el(
                            "text", .css("tick"), .at(.x, Self.left + index * pitch + pitch / 2),
                            .at(.y, Self.height - 6), .at(.textAnchor, "middle"), text: String(day.day.id.dropFirst(5)))
                    }
                }
            }
        }
    }

    private func bar(_ day: Day, x: Int, width: Int, _ scale: ChartScale, _ inner: Int) -> HTML {
        el("g") {
            el("title", text: "\(day.day.id): \(Format.money(day.total))")
            // From the bottom up; each begins where the sum of those below it ends, so that no rounding leaves a gap.
            pieces(day, x: x, width: width, scale, inner)
        }
    }

    private func pieces(_ day: Day, x: Int, width: Int, _ scale: ChartScale, _ inner: Int) -> HTML {
        var sum = 0
        var pieces = HTML.empty
        for (index, micros) in day.micros.enumerated() where micros > 0 {
            let start = scale.length(sum, within: inner)
            sum = sum.addingSaturated(micros)
            let end = scale.length(sum, within: inner)
            guard end > start else { continue }
            pieces += void(
                "rect", .css("s\(index)"), .at(.x, x), .at(.y, Self.top + inner - end), .at(.width, width),
                .at(.height, end - start))
        }
        return pieces
    }
}

/// Round numbers beside an axis that begins at 0.
struct ChartScale: Sendable, Hashable {
    let top: Int
    let ticks: [Int]

    /// Four steps of 1, 2, 2.5 or 5 times a power of ten, at least up to the largest value.
    init(largest: Int) {
        let wanted = max(1, min(largest, 1 << 50)).addingSaturated(3) / 4
        var power = 1
        while power <= wanted / 10 { power *= 10 }
        let step = [power, power * 2, power * 5 / 2, power * 5, power * 10].first { $0 >= wanted && $0 > 0 } ?? wanted
        top = step * 4
        ticks = (0...4).map { $0 * step }
    }

    /// Of a value, as a share of `within` (a few hundred).
    func length(_ value: Int, within: Int) -> Int { min(max(0, value), min(top, 1 << 52)) * within / top }
}
