/// `${NAME}` and `${NAME:-default}` in a text, replaced from an environment. As in a shell, `:-` also replaces an
/// empty variable. Nothing inside a value is replaced again.
struct EnvironmentSubstitution {
    enum Failure: Error, Hashable {
        /// `${` without its `}`, or with something other than a name.
        case malformed(String)
        /// The variable is not set and the file gives no default.
        case unset(String)
    }

    let environment: [String: String]

    /// The text with everything replaced.
    func replacing(in text: String) throws(Failure) -> String {
        guard text.contains("${") else { return text }
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                throw .malformed(String(rest[start.lowerBound...].prefix(40)))
            }
            result += try value(of: rest[start.upperBound..<end])
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    /// The text with everything replaced that can be; what cannot stays as it is. For whole files, whose comments may
    /// show the notation.
    func replacingWherePossible(in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            rest = rest[start.lowerBound...]
            guard let end = rest.firstIndex(of: "}"),
                let value = try? value(of: rest[rest.index(start.lowerBound, offsetBy: 2)..<end])
            else {
                result += rest.prefix(2)
                rest = rest.dropFirst(2)
                continue
            }
            result += value
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private func value(of expression: Substring) throws(Failure) -> String {
        let separator = expression.firstRange(of: ":-")
        let name = separator.map { expression[..<$0.lowerBound] } ?? expression
        guard let first = name.utf8.first, !(0x30...0x39).contains(first),
            name.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == 0x5f
            })
        else { throw .malformed("${\(expression.prefix(40))}") }
        let value = environment[String(name)]
        guard let separator else {
            guard let value else { throw .unset(String(name)) }
            return value
        }
        if let value, !value.isEmpty { return value }
        return String(expression[separator.upperBound...])
    }
}
