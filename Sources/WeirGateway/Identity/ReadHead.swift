import NIOHTTP1
import WeirCore
import WeirProviders

/// What a request's head says of the call: all of it follows from the head alone. The calls of one connection mostly
/// come with the same head but for the body's length; then it is read once.
final class ReadHead {
    /// Of a larger one nothing is kept, since there may be ten thousand connections.
    private static let keptBytes = 4 << 10

    let route: Route
    let credential: Credential
    /// What the caller says about its calls, or why that cannot be taken.
    let labels: Result<CallLabels, CallLabels.Problem>
    /// For the provider, but without its key.
    let forwarded: Fields
    private let head: HTTPRequestHead

    init(_ head: HTTPRequestHead) throws(Route.Problem) {
        route = try Route(head)
        credential = Credential(head.headers, queryKeys: route.queryKeys)
        do throws(CallLabels.Problem) {
            labels = .success(try CallLabels(head.headers))
        } catch {
            labels = .failure(error)
        }
        forwarded = HeaderFilter.towardsProvider(head.headers)
        self.head = head
    }

    /// Whether it may be kept for the connection's next call.
    var isSmall: Bool {
        var bytes = head.uri.utf8.count
        for (name, value) in head.headers { bytes += name.utf8.count + value.utf8.count }
        return bytes <= Self.keptBytes
    }

    /// Whether it says of that head what it says of its own: the same method, target and fields in the same order, byte for
    /// byte. Nothing here is read from `content-length`.
    func isOf(_ other: HTTPRequestHead) -> Bool {
        guard head.method == other.method, head.uri.hasSameBytes(as: other.uri),
            head.headers.count == other.headers.count
        else { return false }
        for (own, theirs) in zip(head.headers, other.headers) {
            guard own.name.hasSameBytes(as: theirs.name) else { return false }
            if own.value.hasSameBytes(as: theirs.value) { continue }
            guard own.name.equalsIgnoringCase("content-length") else { return false }
        }
        return true
    }
}
