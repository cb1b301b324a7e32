/// What a Redis server calls this run of itself: another after every restart, another on every replica.
package enum RedisRunID {
    /// The command that asks for it.
    package static let command: [RedisArgument] = ["INFO", "server"]

    /// - Parameter info: the reply; nil if it does not say.
    package static func read(info: String) -> String? {
        info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("run_id:") }.map {
            String($0.dropFirst("run_id:".count))
        }
    }
}
