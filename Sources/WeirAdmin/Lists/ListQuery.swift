import Hummingbird

/// Which page of a list is asked for, and in which form.
struct ListQuery: Sendable {
    static let standard = 100
    static let most = 1000

    static let parameters = [
        AdminParameter("limit", .integer(1...most), "The most items of a page (\(standard)); of CSV, of all."),
        AdminParameter("cursor", .text, "Where to go on: `next_cursor` of the page before."),
        AdminParameter(
            "format", .oneOf(["json", "csv"]), "`csv`: all items as text/csv; so does the header `accept`."),
    ]

    /// The parameters of the list itself.
    let values: [String: String]
    /// Nil: it was not said.
    let limit: Int?
    let cursor: String?
    let isCSV: Bool

    init(_ request: Request, _ values: [String: String]) {
        self.values = values
        limit = values["limit"].flatMap { Int($0) }
        cursor = values["cursor"]
        let accepted = request.headers[.accept]?.lowercased() ?? ""
        isCSV = values["format"].map { $0 == "csv" } ?? accepted.contains("text/csv")
    }
}
