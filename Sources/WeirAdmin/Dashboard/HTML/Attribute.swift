/// An attribute of an element. Its name is one of those below: none that runs script or styles, and those that lead
/// somewhere take a ``PageAddress``, which always stays within the dashboard.
struct Attribute: Sendable, Hashable {
    let name: String
    /// Nil: its presence says it all.
    let value: String?

    /// Those whose value is plain text.
    enum Name: String, Sendable {
        case `class`, id, type, name, value, title, lang, charset, content, placeholder, autocomplete, rel, scope, role
        case method, enctype, min, max, step, rows, maxlength, pattern, colspan, datetime, download, inputmode, media
        case `for`
        case ariaLabel = "aria-label"
        case ariaCurrent = "aria-current"
        case ariaHidden = "aria-hidden"
        case ariaLive = "aria-live"
        case ariaDescribedBy = "aria-describedby"
        case ariaLabelledBy = "aria-labelledby"
        case ariaPressed = "aria-pressed"
        case ariaSort = "aria-sort"
        case dataLive = "data-live"
        case dataTheme = "data-theme"
        case dataProgress = "data-progress"
        case dataExport = "data-export"
        case dataRows = "data-rows"
        case httpEquiv = "http-equiv"
        case tabindex, accesskey
        // Of SVG.
        case viewBox, preserveAspectRatio, x, y, x1, y1, x2, y2, width, height, rx, points, d, focusable
        case textAnchor = "text-anchor"
        case dominantBaseline = "dominant-baseline"
    }

    /// Those that are there or not.
    enum Mark: String, Sendable {
        case required, checked, selected, disabled, autofocus, open, novalidate, hidden, readonly
    }

    private init(name: String, value: String?) {
        self.name = name
        self.value = value
    }

    static func at(_ name: Name, _ value: String) -> Attribute { Attribute(name: name.rawValue, value: value) }
    static func at(_ name: Name, _ value: Int) -> Attribute { Attribute(name: name.rawValue, value: String(value)) }
    static func mark(_ mark: Mark) -> Attribute { Attribute(name: mark.rawValue, value: nil) }
    static func css(_ classes: String) -> Attribute { .at(.class, classes) }
    static func href(_ address: PageAddress) -> Attribute { Attribute(name: "href", value: address.text) }
    static func action(_ address: PageAddress) -> Attribute { Attribute(name: "action", value: address.text) }
    static func src(_ address: PageAddress) -> Attribute { Attribute(name: "src", value: address.text) }
    /// A place on the same page.
    static func fragment(_ id: StaticString) -> Attribute { Attribute(name: "href", value: "#\(id)") }
}
