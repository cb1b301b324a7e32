import Foundation
import WeirAdmin

extension AdminClient {
    /// All items of a list, page by page, as one answer, and its text.
    /// - Parameter most: at most so many items; nil: all.
    func all<List: AdminList>(
        _ path: [String], query: [(String, String?)] = [], as _: List.Type, most: Int? = nil
    ) async throws -> (message: List, text: String) {
        var whole: List?
        var cursor: String?
        repeat {
            let left = most.map { $0 - (whole?.items.count ?? 0) } ?? Self.pageSize
            var page = try await send(
                .get, path,
                query: query + [("limit", String(min(left, Self.pageSize))), ("cursor", cursor)], as: List.self
            ).message
            cursor = page.nextCursor
            if let known = whole { page.items = known.items + page.items }
            whole = page
        } while cursor != nil && (whole?.items.count ?? 0) < most ?? .max
        guard var list = whole else { throw AdminClientError.unreadable(url: url, status: 200) }
        list.nextCursor = nil
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (list, String(decoding: try encoder.encode(list), as: UTF8.self))
    }

    /// The most that the API gives at once.
    private static let pageSize = 1000
}
