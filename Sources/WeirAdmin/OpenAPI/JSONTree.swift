import WeirCore

/// JSON that is put together from parts, its members in the order in which they are given.
indirect enum JSONTree: Sendable, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    case text(String)
    case number(Int)
    case bool(Bool)
    case array([JSONTree])
    case object([(String, JSONTree)])

    init(stringLiteral value: String) { self = .text(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(integerLiteral value: Int) { self = .number(value) }
    init(arrayLiteral elements: JSONTree...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONTree)...) { self = .object(elements) }

    /// An object with these members added, or in place of its own.
    func adding(_ members: [(String, JSONTree)]) -> JSONTree {
        guard case .object(let own) = self else { return self }
        let names = Set(members.map(\.0))
        return .object(own.filter { !names.contains($0.0) } + members)
    }

    func write(to json: inout JSONWriter) {
        switch self {
        case .text(let text): json.string(text)
        case .number(let number): json.int(number)
        case .bool(let bool): json.bool(bool)
        case .array(let elements):
            json.beginArray()
            for element in elements { element.write(to: &json) }
            json.endArray()
        case .object(let members):
            json.beginObject()
            for (name, value) in members {
                json.key(text: name)
                value.write(to: &json)
            }
            json.endObject()
        }
    }

    var bytes: [UInt8] {
        var json = JSONWriter()
        write(to: &json)
        return json.bytes
    }
}
