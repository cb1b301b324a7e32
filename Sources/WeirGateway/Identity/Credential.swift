import Crypto
import NIOHTTP1
import WeirCore

/// The API key of a request, from `Authorization: Bearer`, `x-api-key`, `x-goog-api-key` or the query's `key`: all forms
/// are the same thing.
enum Credential: Equatable {
    case missing
    /// Two different ones, or something that is not a key.
    case malformed
    /// 64 hex digits. The key itself goes no further than this file.
    case sha256(String)

    /// Longer than any key that Weir or a provider hands out.
    private static let bytes = 1...512

    /// - Parameter queryKeys: every `key` of the target's query, as it stands there.
    init(_ headers: HTTPHeaders, queryKeys: [Substring] = []) {
        var found: Substring?
        for key in queryKeys {
            guard Self.isPossible(key), found == nil || found == key else {
                self = .malformed
                return
            }
            found = key
        }
        for (name, value) in headers {
            let key: Substring
            switch name.utf8.count {
            case 13 where name.equalsIgnoringCase("authorization"):
                guard let token = Self.bearer(value) else {
                    self = .malformed
                    return
                }
                key = token
            case 9 where name.equalsIgnoringCase("x-api-key"): key = value[...]
            case 14 where name.equalsIgnoringCase("x-goog-api-key"): key = value[...]
            default: continue
            }
            guard Self.isPossible(key), found == nil || found == key else {
                self = .malformed
                return
            }
            found = key
        }
        guard let found else {
            self = .missing
            return
        }
        self = .sha256(Self.hexSHA256(found))
    }

    private static func isPossible(_ key: Substring) -> Bool {
        bytes.contains(key.utf8.count) && key.withBytes { $0.allSatisfy { (0x21...0x7E).contains($0) } }
    }

    /// What follows the scheme, whose case does not matter (RFC 9110 section 11.1).
    private static func bearer(_ value: String) -> Substring? {
        guard let space = value.firstIndex(of: " "), String(value[..<space]).equalsIgnoringCase("bearer") else {
            return nil
        }
        return value[space...].drop { $0 == " " }
    }

    static func hexSHA256(_ key: Substring) -> String {
        var hash = SHA256()
        key.withBytes { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        let digest = hash.finalize()
        return String(unsafeUninitializedCapacity: 64) { buffer in
            var index = 0
            for byte in digest {
                buffer[index] = hexDigit(byte >> 4)
                buffer[index + 1] = hexDigit(byte & 15)
                index += 2
            }
            return index
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
