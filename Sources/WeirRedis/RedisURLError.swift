/// Why a Redis URL was refused. The text never repeats the URL, for it may hold a password in an unexpected place.
package enum RedisURLError: Error, Sendable, Equatable {
    /// Not `redis://`, `rediss://` or `unix://`.
    case scheme
    case host
    case port
    /// A user without a password, or the other way round where that is not possible.
    case credentials
    /// In the URL, and beside it.
    case passwordTwice
    case database
    /// No absolute path in a `unix://` URL.
    case socketPath
    /// A `%` that is not followed by two hexadecimal digits, or bytes that are not UTF-8. Names the part of the URL.
    case encoding(part: String)
    /// An option after `?` that does not exist or does not fit this scheme.
    case option(String)
    case optionValue(String, expected: String)
}

extension RedisURLError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .scheme:
            "Redis URL: it must begin with redis://, rediss:// (TLS) or unix://; for example redis://127.0.0.1:6379"
        case .host:
            "Redis URL: the host is missing or malformed; write redis://HOST:PORT, and an IPv6 address in brackets"
        case .port:
            "Redis URL: the port must be a number from 1 to 65535; a password with @, : or / must be percent-encoded"
        case .credentials:
            "Redis URL: before the @ write user:password, or :password for the default user; user@ alone needs --redis-password-file"
        case .passwordTwice:
            "Redis URL: there is a password in it and in --redis-password-file; leave one of them out"
        case .database:
            "Redis URL: the database must be a number from 0 to 1048575, as in redis://127.0.0.1:6379/0"
        case .socketPath:
            "Redis URL: a unix socket needs its absolute path, as in unix:///run/redis/redis.sock"
        case .encoding(let part):
            "Redis URL: the \(part) holds a % that is not an escape; write %25 for a percent sign"
        case .option(let name):
            "Redis URL: the option \(name) does not exist here; rediss:// knows ca, cert, key, insecure, unix:// knows db"
        case .optionValue(let name, let expected):
            "Redis URL: the option \(name) must be \(expected)"
        }
    }
}
