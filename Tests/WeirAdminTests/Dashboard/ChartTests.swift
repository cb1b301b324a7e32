import Foundation
import Testing
import WeirCore
import WeirLedger

@testable import WeirAdmin

@Suite struct ChartTests {
    @Test(arguments: [0, 1, 3, 7, 99, 1_000_000, 3_999_999, 123_456_789, 1 << 50])
    func `an axis has four round steps and reaches over the largest value`(largest: Int) {
        let scale = ChartScale(largest: largest)
        #expect(scale.top >= largest && scale.ticks.count == 5 && scale.ticks.last == scale.top)
        #expect(scale.length(scale.top, within: 184) == 184 && scale.length(0, within: 184) == 0)
    }

    @Test func `names are stacked by what they cost, the rest together, and days without spending are there`() {
        let range = DayRange(first: UTCDay(number: 20_000), last: UTCDay(number: 20_002))
        func spend(_ day: Int, _ name: String?, _ micros: Int) -> NamedSpend {
            NamedSpend(day: UTCDay(number: day), name: name, cost: MicroUSD(micros: micros))
        }
        let chart = StackedBars(
            [spend(20_000, "small", 1), spend(20_000, "large", 50), spend(20_002, nil, 7), spend(20_002, "small", 2)],
            in: range)
        #expect(chart.series == ["large", "small", "all others"])
        #expect(chart.days.map(\.micros) == [[50, 1, 0], [0, 0, 0], [0, 2, 7]])
        #expect(!chart.isEmpty && StackedBars([], in: range).isEmpty)
        let table = chart.table(.product)
        #expect(table.rows.count == 3 && table.columns.count == 5)
    }

    @Test func `a bar shows a little of whatever is more than nothing, and no more than all`() {
        #expect(LimitBar(used: 1, reserved: 0, amount: 1_000_000).html.markup.contains("width=\"4\""))
        #expect(LimitBar(used: 9, reserved: 9, amount: 10).html.markup.contains("class=\"bar full\""))
        #expect(LimitBar(used: 5, reserved: 0, amount: 0).html.markup.contains("unlimited"))
    }

    /// WCAG 2.1, 1.4.3 and 1.4.11, computed over the stylesheet's own colours.
    @Test(arguments: [0, 1])
    func `the colours of both themes have the contrast that WCAG AA asks for`(theme: Int) throws {
        var colours: [String: (Double, Double, Double)] = [:]
        let css = String(decoding: PackageResources.dashboard_css, as: UTF8.self)
        for match in css.matches(of: /--([a-z0-9-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\);/) {
            let text = String(theme == 0 ? match.2 : match.3)
            let value = try #require(Int(text, radix: 16))
            colours[String(match.1)] = (
                Double(value >> 16) / 255, Double(value >> 8 & 255) / 255, Double(value & 255) / 255
            )
        }
        #expect(colours.count > 25)
        func light(_ name: String) throws -> Double {
            let (red, green, blue) = try #require(colours[name], "\(name)")
            func linear(_ part: Double) -> Double { part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4) }
            return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
        }
        func contrast(_ one: String, _ other: String) throws -> Double {
            let (a, b) = (try light(one), try light(other))
            return (max(a, b) + 0.05) / (min(a, b) + 0.05)
        }
        for text in ["text", "muted", "accent", "ok", "warn", "danger"] {
            for ground in ["ground", "surface"] { #expect(try contrast(text, ground) >= 4.5, "\(text) on \(ground)") }
        }
        for (text, ground) in [
            ("on-accent", "accent"), ("on-danger", "danger"), ("accent", "accent-ground"), ("danger", "danger-ground"),
            ("text", "danger-ground"), ("muted", "danger-ground"), ("text", "warn-ground"), ("warn", "warn-ground"),
        ] { #expect(try contrast(text, ground) >= 4.5, "\(text) on \(ground)") }
        for shape in ["control", "bar", "bar-high", "bar-full"] + (0...7).map({ "s\($0)" }) {
            #expect(try contrast(shape, "surface") >= 3, "\(shape)")
        }
    }
}
