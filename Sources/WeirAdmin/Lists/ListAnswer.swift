import Hummingbird
import NIOCore
import WeirCore

extension AdminRoutes {
    /// A page, or as CSV one page after the other, none of which is kept.
    ///
    /// - Parameter parts: how many texts name a place in this list.
    /// - Parameter page: the items behind a place (nil: from the beginning), at most so many, and the place of the last
    ///   one if there may be more.
    func listAnswer<List: AdminList>(
        _ request: Request, _ context: AdminContext, as list: String, parts: Int = 1,
        page: @escaping @Sendable (ListQuery, _ place: [String]?, _ limit: Int) async throws -> (List, [String]?)
    ) async throws -> Response {
        let query = ListQuery(request, context.query)
        let place = try query.cursor.map { text in
            guard let cursor = ListCursor(text, list: list, parts: parts) else {
                throw AdminError(
                    .invalidField, "cursor is not what next_cursor of a page of this list said", field: "cursor")
            }
            return cursor.place
        }
        let size = query.isCSV ? ListQuery.most : query.limit ?? ListQuery.standard
        var (first, next) = try await page(query, place, min(size, query.limit ?? size))
        guard query.isCSV else {
            first.nextCursor = try next.map { try ListCursor(list: list, place: $0).text }
            return try answer(first)
        }
        return csvAnswer(list, first: first, next: next, limit: query.limit) { place, limit in
            try await page(query, place, limit)
        }
    }

    private func csvAnswer<List: AdminList>(
        _ name: String, first: List, next: [String]?, limit: Int?,
        page: @escaping @Sendable (_ place: [String]?, _ limit: Int) async throws -> (List, [String]?)
    ) -> Response {
        var headers = jsonHeaders
        headers[.contentType] = "text/csv; charset=utf-8; header=present"
        headers[.contentDisposition] = "attachment; filename=\"\(name).csv\""
        let table = CSVTable(of: List.Item.self)
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(bytes: table.header))
            var (list, next) = (first, next)
            var left = limit ?? .max
            while true {
                try await writer.write(ByteBuffer(bytes: try table.rows(list.items)))
                left -= list.items.count
                guard let place = next, left > 0 else { break }
                (list, next) = try await page(place, min(left, ListQuery.most))
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    /// A page of items that are all at hand.
    /// - Parameter key: names the item's place. Those of a page are behind the place where the last one ended.
    func page<Item>(
        _ items: [Item], behind place: [String]?, _ limit: Int, key: (Item) -> [String]
    ) -> (items: [Item], next: [String]?) {
        var rest = items[...]
        if let place {
            guard let index = items.firstIndex(where: { key($0) == place }) else { return ([], nil) }
            rest = items[(index + 1)...]
        }
        let page = Array(rest.prefix(limit))
        return (page, rest.count > limit ? page.last.map(key) : nil)
    }
}
