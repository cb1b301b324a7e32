import Hummingbird
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Answers hold money, names and now and then a key: no cache keeps them, no browser guesses at them.
let jsonHeaders: HTTPFields = [
    .contentType: "application/json; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
]

func answer(_ message: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    Response(
        status: status, headers: jsonHeaders, body: ResponseBody(byteBuffer: ByteBuffer(bytes: try encoded(message))))
}

/// The message as JSON with its fields in alphabetical order.
func encoded(_ message: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(message))
}
