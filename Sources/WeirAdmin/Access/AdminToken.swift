import Crypto

/// The token that opens the admin API, kept as its digest.
struct AdminToken: Sendable {
    private let digest: SHA256Digest

    init(_ text: String) { digest = SHA256.hash(data: Array(text.utf8)) }

    /// Compares digests, in constant time (swift-crypto's `==`): how long it takes says nothing about the token.
    func isEqual(to text: String) -> Bool { SHA256.hash(data: Array(text.utf8)) == digest }
}
