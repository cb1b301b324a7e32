#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a page of a list ended: the place of its last item, as text that says nothing to its reader.
///
/// It names the list it is of, so that one of another list is an error and no strange page.
struct ListCursor: Sendable, Equatable {
    let list: String
    let place: [String]

    init(list: String, place: [String]) {
        self.list = list
        self.place = place
    }

    /// Nil for what ``text`` never was.
    init?(_ text: String, list: String, parts: Int) {
        var base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        guard text.utf8.count <= 2048 else { return nil }
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        // Whatever cannot be read was never handed out; the route answers 400 and says so.
        guard let data = Data(base64Encoded: base64), let words = try? JSONDecoder().decode([String].self, from: data),
            words.first == list, words.count == parts + 1
        else { return nil }
        self.list = list
        place = Array(words.dropFirst())
    }

    /// Base64 of a JSON array, in the alphabet of addresses.
    var text: String {
        get throws {
            let data = try JSONEncoder().encode([list] + place)
            return data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
        }
    }
}
