import WeirAdmin

/// Why the admin API did not do it, in words for an operator.
enum AdminClientError: Error, Equatable, CustomStringConvertible {
    case address(String)
    case noConnection(url: String, reason: String)
    case unauthorized(hint: String, hasToken: Bool)
    /// Refused, or failed there. `lines` are the errors of a policy.
    case refused(status: Int, code: String, message: String, hint: String?, lines: [String])
    /// The key was made and is not in force yet; its text is known nowhere else.
    case keyNotPublished(CreatedKey, message: String, hint: String)
    case unreadable(url: String, status: Int)

    var description: String {
        switch self {
        case .address(let text):
            "\(text) is not an address of an admin API; write it as http://127.0.0.1:8090"
        case .noConnection(let url, let reason):
            """
            cannot reach the admin API at \(url): \(reason)
            Is the aggregator running? --admin-url or WEIR_ADMIN_URL says where it is.
            """
        case .unauthorized(let hint, let hasToken):
            hasToken
                ? "the admin token was refused; is it the token of this aggregator? (\(hint))"
                : "the admin API asks for a token; set WEIR_ADMIN_TOKEN, or give --admin-token-file"
        case .refused(let status, let code, let message, let hint, let lines):
            lines.isEmpty
                ? "\(message) (\(status) \(code))" + (hint.map { "\n\($0)" } ?? "")
                : (["\(message) (\(status) \(code))"] + lines).joined(separator: "\n")
        case .keyNotPublished(_, let message, let hint): "\(message)\n\(hint)"
        case .unreadable(let url, let status):
            "\(url) answered with status \(status) and not like an admin API; is the address right?"
        }
    }
}
