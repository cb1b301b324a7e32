/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    public let problem: Problem
    /// The byte at which reading stopped, counted from 0.
    public let offset: Int

    public enum Problem: Sendable, Equatable {
        /// The text ends inside a value.
        case endsEarly
        /// There is more text after the value.
        case trailingBytes
        /// A byte that the grammar does not allow here; the text says what it does.
        case unexpected(wanted: String)
        case badEscape
        /// Half of a surrogate pair: not a character.
        case loneSurrogate
        case controlCharacter
        case invalidUTF8
        /// A fraction, an exponent, `-0`, or a number beyond the range wanted.
        case notAnInteger
        case outOfRange(name: String, from: Int, through: Int)
        /// Containers nest deeper than ``JSONScanner/maxDepth``.
        case tooDeep
        case duplicateKey(String)
        case missingKey(String)
        /// A value of the right type that is not allowed; the text says why.
        case badValue(name: String, why: String)
    }

    public init(_ problem: Problem, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    public var description: String { "\(sentence) (at byte \(offset))" }

    /// One sentence without the offset.
    public var sentence: String {
        switch problem {
        case .endsEarly: "the JSON text ends inside a value"
        case .trailingBytes: "there is more text after the JSON value"
        case .unexpected(let wanted): "the JSON text needs \(wanted) here"
        case .badEscape: "a string contains an escape that JSON does not know"
        case .loneSurrogate: "a string contains half of a surrogate pair"
        case .controlCharacter: "a string contains a raw control character"
        case .invalidUTF8: "a string is not valid UTF-8"
        case .notAnInteger: "the number must be an integer without fraction or exponent"
        case .outOfRange(let name, let from, let through): "\"\(name)\" must be from \(from) to \(through)"
        case .tooDeep: "the JSON text nests deeper than \(JSONScanner.maxDepth) levels"
        case .duplicateKey(let key): "the key \"\(key)\" appears twice"
        case .missingKey(let key): "the key \"\(key)\" is missing"
        case .badValue(let name, let why): "\"\(name)\" \(why)"
        }
    }
}
