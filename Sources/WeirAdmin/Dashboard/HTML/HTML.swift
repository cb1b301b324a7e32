/// A piece of a page.
///
/// Escaped by construction: names of elements are literals of the source, and text and the values of attributes can enter
/// through ``init(_:)`` and ``Attribute`` alone, which escape them. There is no way to put in markup that was made elsewhere.
struct HTML: Sendable, Hashable {
    private(set) var markup: String

    static let empty = HTML(markup: "")

    /// Text, whatever it holds.
    init(_ text: String) { markup = text.escapedForHTML }

    private init(markup: String) { self.markup = markup }

    static func + (left: HTML, right: HTML) -> HTML { HTML(markup: left.markup + right.markup) }
    static func += (left: inout HTML, right: HTML) { left.markup += right.markup }

    /// An element with content.
    static func element(_ name: StaticString, _ attributes: [Attribute], _ content: HTML) -> HTML {
        HTML(markup: "<\(name)\(text(attributes))>\(content.markup)</\(name)>")
    }

    /// An element that has no content, such as `input`; within SVG it closes itself.
    static func void(_ name: StaticString, _ attributes: [Attribute]) -> HTML {
        HTML(markup: "<\(name)\(text(attributes))/>")
    }

    /// A whole document.
    static func document(_ content: HTML) -> HTML { HTML(markup: "<!doctype html>\n") + content }

    private static func text(_ attributes: [Attribute]) -> String {
        attributes.map { attribute in
            attribute.value.map { " \(attribute.name)=\"\($0.escapedForHTML)\"" } ?? " \(attribute.name)"
        }.joined()
    }
}

/// The element `name` of what the builder yields.
func el(_ name: StaticString, _ attributes: Attribute..., @HTMLBuilder content: () -> HTML) -> HTML {
    .element(name, attributes, content())
}

/// The element `name` of a text.
func el(_ name: StaticString, _ attributes: Attribute..., text: String) -> HTML {
    .element(name, attributes, HTML(text))
}

/// An element without content.
func void(_ name: StaticString, _ attributes: Attribute...) -> HTML { .void(name, attributes) }

/// Pieces, one after the other: each is HTML, or text, which is escaped.
@resultBuilder
enum HTMLBuilder {
    static func buildExpression(_ html: HTML) -> HTML { html }
    static func buildExpression(_ html: HTML?) -> HTML { html ?? .empty }
    static func buildExpression(_ text: String) -> HTML { HTML(text) }
    static func buildBlock(_ parts: HTML...) -> HTML { joined(parts) }
    static func buildOptional(_ part: HTML?) -> HTML { part ?? .empty }
    static func buildEither(first part: HTML) -> HTML { part }
    static func buildEither(second part: HTML) -> HTML { part }
    static func buildArray(_ parts: [HTML]) -> HTML { joined(parts) }

    private static func joined(_ parts: [HTML]) -> HTML { parts.reduce(into: .empty) { $0 += $1 } }
}

extension String {
    /// With the five characters replaced that could end text or an attribute's value. Other than tab and line ends, control
    /// characters, which no document may contain, become U+FFFD.
    fileprivate var escapedForHTML: String {
        var escaped = ""
        escaped.reserveCapacity(utf8.count + 8)
        for scalar in unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
            case let other where other.value < 0x20 || other.value == 0x7f: escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
