import Crypto

/// A Lua script and the name Redis knows it by.
///
/// Scripts are found by the SHA-1 of their bytes, so nodes of different versions run side by side.
package struct RedisScript: Sendable, Equatable {
    /// What logs and errors call it, for example `admit`.
    package let name: String
    package let body: [UInt8]
    /// Lower-case hexadecimal, as EVALSHA wants it.
    package let sha1: String

    package init(name: String, body: [UInt8]) {
        self.name = name
        self.body = body
        let digits = Array("0123456789abcdef".utf8)
        sha1 = String(
            decoding: Insecure.SHA1.hash(data: body).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }

    package init(name: String, body: String) {
        self.init(name: name, body: Array(body.utf8))
    }
}
