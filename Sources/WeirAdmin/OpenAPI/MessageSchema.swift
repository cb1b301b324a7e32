import WeirCore

/// What a message looks like as JSON, found by letting it decode itself from nothing: so the document says what the code
/// reads and writes, and no list of fields stands twice.
indirect enum MessageSchema: Sendable, Equatable {
    struct Field: Sendable, Equatable {
        let name: String
        var schema: MessageSchema
        var isRequired: Bool
    }

    case string
    case integer
    case boolean
    case array(MessageSchema)
    /// Names that are data.
    case map(MessageSchema)
    case object([Field])
    /// Anything: its own documents say what.
    case any

    static func of(_ type: (some Decodable).Type) -> MessageSchema {
        if type == AnyDocument.self { return .any }
        if let known = SchemaProbe.known(type) { return known.schema }
        let probe = SchemaProbe()
        do { _ = try type.init(from: probe) } catch {
            // What a type refuses is known by then up to where it did.
            if case .unknown = probe.found { return .any }
        }
        return probe.schema
    }
}

/// Answers every question of a decoder with something of the right type, and remembers what was asked.
private final class SchemaProbe: Decoder {
    enum Found {
        case unknown, value(MessageSchema), array(MessageSchema), object([MessageSchema.Field]), map(MessageSchema)
    }

    var found = Found.unknown
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    var schema: MessageSchema {
        switch found {
        case .unknown: .any
        case .value(let schema): schema
        case .array(let element): .array(element)
        case .map(let value): .map(value)
        case .object(let fields): .object(fields)
        }
    }

    func add(_ name: String, _ schema: MessageSchema, isRequired: Bool) {
        var fields: [MessageSchema.Field] = []
        if case .object(let known) = found { fields = known }
        if let index = fields.firstIndex(where: { $0.name == name }) {
            fields[index].isRequired = fields[index].isRequired && isRequired
        } else {
            fields.append(.init(name: name, schema: schema, isRequired: isRequired))
        }
        found = .object(fields)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        if case .unknown = found { found = .object([]) }
        return KeyedDecodingContainer(Keyed<Key>(probe: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { Unkeyed(probe: self) }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { Single(probe: self) }

    /// A value of the type.
    static func value<T: Decodable>(_ type: T.Type) throws -> T {
        try known(type)?.value ?? T(from: SchemaProbe())
    }

    /// Types that check what they read, so that they cannot be decoded from nothing.
    static func known<T: Decodable>(_ type: T.Type) -> (value: T, schema: MessageSchema)? {
        let policy = Policy(products: [:], classes: [:], limits: [])
        let price = Price(base: .init(input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0))
        return ((policy as? T) ?? (price as? T)).map { ($0, .any) }
    }

    struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let probe: SchemaProbe
        let codingPath: [any CodingKey] = []
        /// A dictionary asks for its keys and finds one, which only a dictionary takes.
        var allKeys: [Key] {
            probe.found = .map(.any)
            return Key(stringValue: "key").map { [$0] } ?? []
        }

        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) throws -> Bool { false }

        func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
            let schema = MessageSchema.of(type)
            if case .map = probe.found {
                probe.found = .map(schema)
            } else {
                probe.add(key.stringValue, schema, isRequired: true)
            }
            return try SchemaProbe.value(type)
        }

        func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
            probe.add(key.stringValue, MessageSchema.of(type), isRequired: false)
            return nil
        }
        func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
            probe.add(key.stringValue, .boolean, isRequired: false)
            return nil
        }
        func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
            probe.add(key.stringValue, .string, isRequired: false)
            return nil
        }
        func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
            probe.add(key.stringValue, .integer, isRequired: false)
            return nil
        }

        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
            -> KeyedDecodingContainer<Nested>
        { throw Unsupported() }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw Unsupported() }
        func superDecoder() throws -> any Decoder { throw Unsupported() }
        func superDecoder(forKey key: Key) throws -> any Decoder { throw Unsupported() }
    }

    struct Unkeyed: UnkeyedDecodingContainer {
        let probe: SchemaProbe
        let codingPath: [any CodingKey] = []
        let count: Int? = 1
        var currentIndex = 0
        var isAtEnd: Bool { currentIndex > 0 }

        mutating func decodeNil() throws -> Bool { false }
        mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
            probe.found = .array(MessageSchema.of(type))
            currentIndex += 1
            return try SchemaProbe.value(type)
        }
        mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws
            -> KeyedDecodingContainer<Nested>
        { throw Unsupported() }
        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Unsupported() }
        mutating func superDecoder() throws -> any Decoder { throw Unsupported() }
    }

    struct Single: SingleValueDecodingContainer {
        let probe: SchemaProbe
        let codingPath: [any CodingKey] = []

        func decodeNil() -> Bool { false }
        func decode(_ type: Bool.Type) throws -> Bool {
            probe.found = .value(.boolean)
            return false
        }
        func decode(_ type: String.Type) throws -> String {
            probe.found = .value(.string)
            // Also a day, for those that read one.
            return "2026-11-21"
        }
        func decode(_ type: Int.Type) throws -> Int {
            probe.found = .value(.integer)
            return 1
        }
        func decode<T: Decodable>(_ type: T.Type) throws -> T {
            guard !(type is any Numeric.Type) else { throw Unsupported() }
            probe.found = .value(MessageSchema.of(type))
            return try SchemaProbe.value(type)
        }
    }

    /// Messages have no numbers but Int.
    struct Unsupported: Error {}
}
