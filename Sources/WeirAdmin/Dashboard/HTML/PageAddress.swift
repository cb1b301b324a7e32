/// Where a link leads: a page of the dashboard, with what is asked of it.
///
/// Names of teams and the like stand in the query alone: `..` is a valid name, and in a path it would lead elsewhere.
struct PageAddress: Sendable, Hashable {
    enum Page: String, Sendable, CaseIterable {
        case overview = "/"
        case teams = "/teams"
        case team = "/team"
        case users = "/users"
        case user = "/user"
        case limited = "/limited"
        case events = "/events"
        case event = "/event"
        case policy = "/policy"
        case policyVersion = "/policy/version"
        case policyTry = "/policy/try"
        case audit = "/audit"
        case signIn = "/sign-in"
        case signOut = "/sign-out"
        case killSwitch = "/kill-switch"
        case override = "/override"
        case keys = "/keys"
        case prices = "/prices"
        case tokens = "/admin-tokens"
        case job = "/job"
        case live = "/live"
        case export = "/export/events"
        case style = "/assets/dashboard.css"
        case script = "/assets/dashboard.js"
        case icon = "/assets/icon.svg"
    }

    let page: Page
    var query: [(name: String, value: String)]

    init(_ page: Page, _ query: KeyValuePairs<String, String?> = [:]) {
        self.page = page
        self.query = query.compactMap { name, value in value.map { (name, $0) } }
    }

    init(_ page: Page, query: [(name: String, value: String)]) {
        self.page = page
        self.query = query
    }

    /// With one more, or another, value.
    func with(_ name: String, _ value: String?) -> PageAddress {
        PageAddress(page, query: query.filter { $0.name != name } + (value.map { [(name, $0)] } ?? []))
    }

    /// Begins with one slash and no second one, so it never leaves this server.
    var text: String {
        guard !query.isEmpty else { return page.rawValue }
        let pairs = query.map { "\(Self.encoded($0.name))=\(Self.encoded($0.value))" }
        return page.rawValue + "?" + pairs.joined(separator: "&")
    }

    /// A text that ``text`` wrote; nil for any other, so that nobody can be sent elsewhere.
    init?(_ text: String) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let page = parts.first.flatMap({ Page(rawValue: String($0)) }),
            let fields = FormFields(parts.count == 2 ? String(parts[1]) : "")
        else { return nil }
        self.init(page, query: fields.pairs)
    }

    /// Percent-encoded, all but the unreserved characters of RFC 3986.
    static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }

    static func == (left: PageAddress, right: PageAddress) -> Bool { left.text == right.text }
    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// The fields of a form or a query: `application/x-www-form-urlencoded`.
struct FormFields: Sendable {
    private(set) var pairs: [(name: String, value: String)] = []

    /// Nil: a wrong escape, or bytes that are not UTF-8.
    init?(_ text: String) {
        for part in text.split(separator: "&") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = sides.map { percentDecoded(String($0).replacing("+", with: " ")) }
            guard let name = decoded[0] else { return nil }
            guard let value = decoded.count == 2 ? decoded[1] : "" else { return nil }
            pairs.append((name, value))
        }
    }

    /// The first field of that name, without white space around it; nil: there is none, or it is empty.
    subscript(name: String) -> String? {
        guard let value = pairs.first(where: { $0.name == name })?.value else { return nil }
        let trimmed = value.drop { $0.isWhitespace }
        guard let last = trimmed.lastIndex(where: { !$0.isWhitespace }) else { return nil }
        return String(trimmed[...last])
    }

    /// As it was sent.
    func whole(_ name: String) -> String? { pairs.first { $0.name == name }?.value }
}
