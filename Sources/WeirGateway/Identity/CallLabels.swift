import NIOHTTP1
import WeirCore

/// What a caller says about its call, for the ledger alone: no decision depends on it.
struct CallLabels: Equatable {
    /// `weir-role`, `weir-task`, `weir-session`, `weir-prompt-version`.
    var role: String?
    var task: String?
    var session: String?
    var promptVersion: String?

    /// The header whose value is not a valid id, or that came twice: refused rather than dropped, since a wrong label
    /// would be missed only when the report is read.
    struct Problem: Error, Equatable { let header: String }

    init(_ headers: HTTPHeaders) throws(Problem) {
        for (name, value) in headers where name.hasPrefixIgnoringCase("weir-") {
            switch name.utf8.count {
            case 9 where name.equalsIgnoringCase("weir-role"): try Self.set(&role, value, "weir-role")
            case 9 where name.equalsIgnoringCase("weir-task"): try Self.set(&task, value, "weir-task")
            case 12 where name.equalsIgnoringCase("weir-session"): try Self.set(&session, value, "weir-session")
            case 19 where name.equalsIgnoringCase("weir-prompt-version"):
                try Self.set(&promptVersion, value, "weir-prompt-version")
            default: break
            }
        }
    }

    private static func set(_ label: inout String?, _ value: String, _ header: String) throws(Problem) {
        guard label == nil, Subject.isValidID(value) else { throw Problem(header: header) }
        label = value
    }
}
