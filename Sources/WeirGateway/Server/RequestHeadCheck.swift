import NIOHTTP1
import WeirCore

/// Why a request's head is refused before anything else is looked at.
enum HeadProblem: Error, Equatable {
    /// What follows on the connection cannot be told apart from this request's body: answer and close.
    case framing(String)
    case target(String)
    case method(String)

    var message: String {
        switch self {
        case .framing(let text), .target(let text), .method(let text): text
        }
    }
}

/// Checks of a request's head beyond what the parser enforces, against request smuggling (RFC 9112 sections 3.2, 6.1)
/// and targets that mean something else to the next server.
enum RequestHeadCheck {
    static func problem(of head: HTTPRequestHead, targetBytes: Int) -> HeadProblem? {
        guard head.version.major == 1, head.version.minor <= 1 else {
            return .framing("only HTTP/1.0 and HTTP/1.1 are spoken here")
        }
        if let problem = framingProblem(of: head) { return problem }
        guard head.method != .CONNECT, !head.headers.contains(name: "upgrade") else {
            return .method("this is not a tunnel: no CONNECT and no Upgrade")
        }
        return targetProblem(of: head.uri, bytes: targetBytes)
    }

    /// A request must say in exactly one way how long it is.
    private static func framingProblem(of head: HTTPRequestHead) -> HeadProblem? {
        var lengths = 0
        var encodings = 0
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 14 where name.equalsIgnoringCase("content-length"):
                lengths += 1
                guard !value.isEmpty, value.utf8.count <= 15,
                    value.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
                else { return .framing("content-length must be one number") }
            case 17 where name.equalsIgnoringCase("transfer-encoding"):
                encodings += 1
                guard value.equalsIgnoringCase("chunked") else {
                    return .framing("the only transfer coding taken here is chunked")
                }
            default: break
            }
        }
        guard lengths + encodings <= 1 else {
            return .framing("content-length and transfer-encoding must come once, and not together")
        }
        guard encodings == 0 || head.version == .http1_1 else {
            return .framing("HTTP/1.0 has no transfer codings")
        }
        return nil
    }

    /// Only the origin form, in visible ASCII.
    private static func targetProblem(of target: String, bytes: Int) -> HeadProblem? {
        let text = target.utf8
        guard text.count <= bytes else { return .target("the target is longer than \(bytes) bytes") }
        let isPlain = target.withBytes { bytes in
            bytes.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") }
        }
        guard isPlain else { return .target("the target must be visible ASCII, without a fragment") }
        guard text.first == UInt8(ascii: "/"), !target.hasPrefix("//") else {
            return .target("the target must be a path that begins with one slash")
        }
        return nil
    }
}
