import Logging
import NIOCore

// Shapes only, until the client lands.
package final class RedisPool: Sendable { package init() {} }
