import WeirCore
import WeirProviders

/// One table of a page: shown as HTML, and handed out whole as CSV or JSON from the same cells.
struct DataTable: Sendable {
    /// Its name in addresses and file names: `top-teams`.
    let id: String
    let caption: String
    var columns: [Column]
    var rows: [[Cell]] = []
    /// What is shown where there are no rows: what to do.
    var whenEmpty: HTML
    /// Whether it is exported somewhere else, as a stream.
    var isExportedHere = true

    struct Column: Sendable, Hashable {
        let title: String
        /// The name in CSV and JSON, with its unit last.
        let field: String
        var isNumber = false
        /// Neither the screen's text nor an export has use for it: buttons.
        var isForScreenOnly = false
        /// On the screen it stands within another.
        var isForExportOnly = false

        static func text(_ title: String, _ field: String) -> Column { Column(title: title, field: field) }
        static func number(_ title: String, _ field: String) -> Column {
            Column(title: title, field: field, isNumber: true)
        }
        static func export(_ field: String) -> Column { Column(title: field, field: field, isForExportOnly: true) }
        static func screen(_ title: String) -> Column { Column(title: title, field: "", isForScreenOnly: true) }
    }

    enum Cell: Sendable {
        case text(String?, link: PageAddress? = nil)
        case count(Int)
        /// Micro-dollars.
        case money(Int)
        /// Milliseconds since 1970.
        case time(Int?)
        /// Drawn for people, and its text for programs.
        case drawn(HTML, String)

        static func text(_ text: String) -> Cell { .text(text, link: nil) }
    }

    init(_ id: String, _ caption: String, _ columns: [Column], whenEmpty: HTML) {
        self.id = id
        self.caption = caption
        self.columns = columns
        self.whenEmpty = whenEmpty
    }
}

extension DataTable {
    /// - Parameter exports: where it is handed out, without the form; nil: nowhere.
    func html(exports: PageAddress?, isCaptionHidden: Bool = false) -> HTML {
        guard !rows.isEmpty else {
            return el("div", .css("empty")) {
                if !isCaptionHidden { el("h2", text: caption) }
                el("p") { whenEmpty }
            }
        }
        return el("div", .css("table")) {
            el("div", .css("scroll"), .at(.tabindex, 0), .at(.role, "region"), .at(.ariaLabel, caption)) {
                el("table") {
                    el("caption", .css(isCaptionHidden ? "unseen" : "")) { caption }
                    el("thead") {
                        el("tr") {
                            for column in columns where !column.isForExportOnly {
                                el("th", .at(.scope, "col"), .css(column.isNumber ? "n" : ""), text: column.title)
                            }
                        }
                    }
                    el("tbody") { for row in rows { html(row) } }
                }
            }
            if let exports { exportLinks(exports) }
        }
    }

    private func html(_ row: [Cell]) -> HTML {
        el("tr") {
            for (column, cell) in zip(columns, row) where !column.isForExportOnly {
                el("td", .css(column.isNumber ? "n" : "")) { cell.html }
            }
        }
    }

    func exportLinks(_ address: PageAddress) -> HTML {
        el("p", .css("exports")) {
            "Export "
            for (form, name) in [("csv", "CSV"), ("json", "JSON")] {
                el(
                    "a", .href(address.with("table", id).with("as", form)), .at(.download, "\(id).\(form)"),
                    .at(.ariaLabel, "\(caption) as \(name)"), text: name)
                " "
            }
        }
    }
}

extension DataTable.Cell {
    var html: HTML {
        switch self {
        case .text(nil, _): el("span", .css("none"), text: "–")
        case .text(let text?, nil): HTML(text)
        case .text(let text?, let link?): el("a", .href(link), text: text)
        case .count(let number): HTML(Format.count(number))
        case .money(let micros): el("span", .at(.title, Format.exactMoney(micros)), text: Format.money(micros))
        case .time(nil): el("span", .css("none"), text: "–")
        case .time(let ms?): el("time", .at(.datetime, rfc3339(ms: ms)), text: Format.time(ms))
        case .drawn(let html, _): html
        }
    }
}
