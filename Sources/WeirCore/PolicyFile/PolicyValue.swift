import Yams

/// Collects what is wrong while a file is read, so that all of it is reported at once.
final class PolicyReading {
    let file: String
    let substitution: EnvironmentSubstitution
    private(set) var errors: [PolicyError] = []

    init(file: String, environment: [String: String]) {
        self.file = file
        substitution = EnvironmentSubstitution(environment: environment)
    }

    func report(_ place: TextPlace?, _ field: String, _ problem: String, _ remedy: String) {
        errors.append(
            PolicyError(
                file: file, line: place?.line ?? 1, column: place?.column ?? 1, field: field, problem: problem,
                remedy: remedy))
    }
}

/// A place in a text, from 1.
struct TextPlace: Comparable {
    let line: Int
    let column: Int

    static func < (left: TextPlace, right: TextPlace) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

extension Node {
    var place: TextPlace? { mark.map { TextPlace(line: $0.line, column: $0.column) } }
}

/// One value of the file, with its place and the path to it. Every reading method answers nil after it has reported
/// what is wrong, so callers go on to find the next error.
struct PolicyValue {
    let node: Node
    let path: String
    let reading: PolicyReading

    func report(_ problem: String, _ remedy: String) { reading.report(node.place, path, problem, remedy) }

    /// Whether it stands behind the other value in the file.
    func begins(after other: PolicyValue) -> Bool {
        guard let place = node.place, let otherPlace = other.node.place else { return false }
        return place > otherPlace
    }

    // MARK: Mappings and lists

    /// The value's fields, all of them among `known`. `what` names the thing in errors: `a limit`.
    func fields(of what: String, known: [String], required: [String] = []) -> [String: PolicyValue]? {
        guard let entries = entries(of: what) else { return nil }
        var fields: [String: PolicyValue] = [:]
        for entry in entries {
            guard known.contains(entry.name) else {
                reading.report(
                    entry.place, entry.value.path, "is not a field of \(what)", advice(for: entry.name, among: known))
                continue
            }
            fields[entry.name] = entry.value
        }
        for name in required where fields[name] == nil && !entries.contains(where: { $0.name == name }) {
            reading.report(node.place, path.isEmpty ? name : "\(path).\(name)", "is missing", "\(what) needs \(name)")
        }
        return fields
    }

    /// A name, where it stands, and what it names.
    struct Entry {
        let name: String
        let place: TextPlace?
        let value: PolicyValue
    }

    /// The entries of a mapping whose names are the operator's. A name given twice is reported and left out.
    func entries(of what: String) -> [Entry]? {
        guard let mapping = node.mapping else {
            report("is \(kind)", "\(what) is a mapping: { name: value }")
            return nil
        }
        var seen: Set<String> = []
        var entries: [Entry] = []
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                reading.report(key.place, path, "has a name that is not text", "a name is a plain word")
                continue
            }
            let value = PolicyValue(node: value, path: path.isEmpty ? name : "\(path).\(name)", reading: reading)
            guard seen.insert(name).inserted else {
                reading.report(key.place, value.path, "is given twice", "keep one of the two")
                continue
            }
            entries.append(Entry(name: name, place: key.place, value: value))
        }
        return entries
    }

    /// The elements of a list.
    func elements() -> [PolicyValue]? {
        guard let sequence = node.sequence else {
            report("is \(kind)", "a list is written [a, b]")
            return nil
        }
        return sequence.enumerated().map {
            PolicyValue(node: $0.element, path: "\(path)[\($0.offset)]", reading: reading)
        }
    }

    /// What the value is, for errors.
    private var kind: String {
        switch node {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .scalar(let scalar): isEmpty(scalar) ? "empty" : "the value \(quoted(scalar.string))"
        case .alias: "an alias"
        }
    }

    private func isEmpty(_ scalar: Node.Scalar) -> Bool {
        // An unquoted nothing, ~ or null.
        scalar.style != .singleQuoted && scalar.style != .doubleQuoted
            && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// The value as it is written, after substitution.
    func text(expecting remedy: String) -> String? {
        guard let scalar = node.scalar, !isEmpty(scalar) else {
            report("is \(kind)", remedy)
            return nil
        }
        do throws(EnvironmentSubstitution.Failure) {
            return try reading.substitution.replacing(in: scalar.string)
        } catch {
            switch error {
            case .unset(let name):
                report(
                    "the environment variable \(name) is not set",
                    "set \(name), or give a default: ${\(name):-value}")
            case .malformed(let part):
                report("\(quoted(part)) is not a variable", "write ${NAME} or ${NAME:-default}")
            }
        }
        return nil
    }
}

/// A text in quotes, shortened and without control characters, for a message.
func quoted(_ text: String) -> String {
    let printable = text.unicodeScalars.prefix(60).map { scalar in
        scalar.properties.generalCategory == .control ? "?" : String(Character(scalar))
    }
    return "'\(printable.joined())\(text.unicodeScalars.count > 60 ? "…" : "")'"
}
