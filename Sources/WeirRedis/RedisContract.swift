package final class RedisPool: Sendable { package init() {} }
