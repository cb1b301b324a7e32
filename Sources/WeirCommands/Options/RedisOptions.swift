import ArgumentParser
import WeirRedis

/// Where Redis is, and who logs in there.
struct RedisOptions: ParsableArguments {
    @Option(
        help: Setting.redis.help(
            "redis://, rediss:// (TLS) or unix://, with user:password@ if need be, or user@ and the password's file."))
    var redis: String?

    @Option(help: Setting.redisPasswordFile.help("A file with Redis's password."), completion: .file())
    var redisPasswordFile: String?

    func configuration() throws -> RedisConfiguration {
        let password = try Setting.text(
            file: Setting.redisPasswordFile.value(redisPasswordFile), what: Setting.redisPasswordFile.flag)
        return try RedisConfiguration(url: Setting.redis.value(redis) ?? "", password: password)
    }
}
