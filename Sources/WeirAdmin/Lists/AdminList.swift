/// A page of a list, under a name of its own, and where the next one begins.
package protocol AdminList: Codable, Sendable {
    associatedtype Item: Codable & Sendable
    var items: [Item] { get set }
    /// What `cursor` has to be for the next page; nil: this was the last.
    var nextCursor: String? { get set }
}
