import WeirCore
import WeirLedger

/// One page: what is on it, and its tables, each of which can also be had alone.
struct Page: Sendable {
    let title: String
    let section: Section?
    /// Of this very page, with what was asked of it.
    let address: PageAddress
    var status = 200
    /// Asks the browser for the page again after so many seconds where there is no script.
    var refreshSeconds: Int?
    private(set) var content = HTML.empty
    private(set) var tables: [DataTable] = []

    /// What the navigation shows.
    enum Section: String, Sendable, CaseIterable {
        case overview = "Overview"
        case teams = "Teams"
        case users = "Users"
        case limited = "Limited"
        case events = "Events"
        case policy = "Policy"
        case prices = "Prices"
        case audit = "Audit"
        case tokens = "Admin tokens"

        var page: PageAddress.Page {
            switch self {
            case .overview: .overview
            case .teams: .teams
            case .users: .users
            case .limited: .limited
            case .events: .events
            case .policy: .policy
            case .prices: .prices
            case .audit: .audit
            case .tokens: .tokens
            }
        }

        /// Others are not led there.
        var role: AdminRole { self == .tokens ? .admin : .viewer }
    }

    init(_ title: String, _ section: Section?, _ address: PageAddress) {
        self.title = title
        self.section = section
        self.address = address
    }

    mutating func add(_ html: HTML?) { if let html { content += html } }

    /// The title, with something beside it.
    mutating func addHeading(_ kind: String? = nil, @HTMLBuilder beside: () -> HTML = { .empty }) {
        content += el("div", .css("head")) {
            el("h1") {
                if let kind { el("span", .css("muted"), text: kind + " ") }
                title
            }
            beside()
        }
    }

    /// A table, and where it is handed out.
    mutating func add(_ table: DataTable) { content += show(table) }

    /// As ``add(_:)``, to be put somewhere within the page.
    mutating func show(_ table: DataTable, isCaptionHidden: Bool = false) -> HTML {
        tables.append(table)
        return table.html(exports: table.isExportedHere ? address : nil, isCaptionHidden: isCaptionHidden)
    }
}
