import Hummingbird
import NIOCore
import WeirCore

/// An answer of the admin API that is no success: `{"error":{"code","message","field","hint"}}`.
package struct AdminError: Error, Sendable {
    package enum Code: String, Sendable, CaseIterable {
        case invalidRequest = "invalid_request"
        case unauthorized
        case tooManyAttempts = "too_many_attempts"
        case forbidden
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case tooLarge = "too_large"
        case unsupportedMediaType = "unsupported_media_type"
        /// A body that was understood but says something that cannot be.
        case invalidField = "invalid_field"
        case invalidPolicy = "invalid_policy"
        /// The ledger did not take it: nothing was changed.
        case ledgerUnavailable = "ledger_unavailable"
        /// It stands in the ledger and is not in force on the nodes yet.
        case notPublished = "not_published"
        case redisUnavailable = "redis_unavailable"
        case failed

        var status: HTTPResponse.Status {
            switch self {
            case .invalidRequest: .badRequest
            case .unauthorized: .unauthorized
            case .tooManyAttempts: .tooManyRequests
            case .forbidden: .forbidden
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .tooLarge: .contentTooLarge
            case .unsupportedMediaType: .unsupportedMediaType
            case .invalidField, .invalidPolicy: .unprocessableContent
            case .ledgerUnavailable, .notPublished, .redisUnavailable: .serviceUnavailable
            case .failed: .internalServerError
            }
        }
    }

    package var code: Code
    package var message: String
    /// The field or parameter that is wrong.
    package var field: String?
    /// What to do about it.
    package var hint: String?
    /// Of ``Code/methodNotAllowed``: those that the path takes.
    package var allowedMethods: [String] = []
    /// Of ``Code/tooManyAttempts``.
    package var retryAfterSeconds: Int?
    /// Of ``Code/invalidPolicy``.
    package var policyErrors: [PolicyError] = []
    /// A key that was made and could not be published: its text is answered this once.
    package var key: CreatedKey?

    init(_ code: Code, _ message: String, hint: String? = nil, field: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
        self.hint = hint
    }

    /// - Throws: what encoding the key throws.
    func response() throws -> Response {
        var json = JSONWriter()
        json.beginObject()
        json.key("error")
        json.beginObject()
        json.member("code", code.rawValue)
        json.member("message", message)
        json.member("field", ifPresent: field)
        json.member("hint", ifPresent: hint)
        if !policyErrors.isEmpty {
            json.key("errors")
            json.beginArray()
            for error in policyErrors { error.write(to: &json) }
            json.endArray()
        }
        json.endObject()
        if let key {
            json.key("key")
            json.raw(try encoded(key))
        }
        json.endObject()
        var response = Response(
            status: code.status, headers: jsonHeaders, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.bytes)))
        if !allowedMethods.isEmpty { response.headers[.allow] = allowedMethods.joined(separator: ", ") }
        if let retryAfterSeconds { response.headers[.retryAfter] = String(retryAfterSeconds) }
        if code == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }
}

extension PolicyError {
    fileprivate func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("file", file)
        json.member("line", line)
        json.member("column", column)
        json.member("field", field)
        json.member("problem", problem)
        json.member("remedy", remedy)
        json.member("text", description)
        json.endObject()
    }
}
