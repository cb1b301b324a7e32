import Testing
import WeirCore

@testable import WeirAdmin

@Suite struct FormatTests {
    @Test(arguments: [
        (0, "$0.00"), (12_340_000, "$12.34"), (1_234_567_890_000, "$1,234,567.89"), (5_000, "$0.005"), (1, "$0.000001"),
        (10_000, "$0.01"), (999_999, "$1.00"), (-12_345_678, "−$12.35"), (-1, "−$0.000001"),
    ])
    func `money has two decimals, and less than a cent all of them`(micros: Int, text: String) {
        #expect(Format.money(micros) == text)
    }

    @Test func `no number a ledger can hold traps`() {
        for number in [Int.min, Int.min + 1, -1, 0, 1, Int.max - 1, Int.max] {
            _ = Format.money(number)
            _ = Format.exactMoney(number)
            _ = Format.count(number)
            _ = Format.time(number)
            for other in [Int.min, 0, 1, Int.max] {
                _ = Format.percent(number, of: other)
                _ = LimitBar(used: number, reserved: other, amount: 1).html
                _ = LimitBar(used: number, reserved: other, amount: Int.max).html
                _ = Projection(
                    amount: number, used: other, resetsAtMs: 0, recentUnits: number, recentMs: other, nowMs: number)
            }
            let scale = ChartScale(largest: number)
            _ = scale.length(number, within: 200)
        }
    }

    @Test func `counts are grouped, and a share is never the whole before it is reached`() {
        #expect(Format.count(1_234_567) == "1,234,567" && Format.count(-1000) == "−1,000" && Format.count(999) == "999")
        #expect(Format.percent(999, of: 1000) == 99 && Format.percent(1000, of: 1000) == 100)
        #expect(Format.percent(1, of: 0) == nil)
    }

    @Test(arguments: [
        ("=1+1", "\"'=1+1\""), ("+1", "\"'+1\""), ("-1", "\"'-1\""), ("@sum", "\"'@sum\""), ("\tx", "\"'\tx\""),
        ("\rx", "\"'\rx\""), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""), ("plain", "plain"), ("", ""),
    ])
    func `no text is a formula to a spreadsheet`(text: String, wanted: String) {
        #expect(CSV.field(text) == wanted)
    }

    @Test func `a table is handed out whole, numbers as numbers`() {
        var table = DataTable(
            "t", "T", [.text("Name", "name"), .number("Cost", "cost_usd"), .number("Calls", "calls"), .screen("Act")],
            whenEmpty: .empty)
        table.rows = [
            [.text("=evil()"), .money(-1_500_000), .count(3), .drawn(HTML("button"), "")],
            [.text(nil), .money(1), .count(0), .drawn(.empty, "")],
        ]
        #expect(
            String(decoding: table.exported(as: .csv), as: UTF8.self)
                == "name,cost_usd,calls\r\n\"'=evil()\",-1.50,3\r\n,0.000001,0\r\n")
        #expect(
            String(decoding: table.exported(as: .json), as: UTF8.self)
                == #"[{"name":"=evil()","cost_usd":"-1.50","calls":3},{"name":null,"cost_usd":"0.000001","calls":0}]"#
                + "\n")
    }
}
