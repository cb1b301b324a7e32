import NIOCore

@testable import WeirRedis

/// The outcome as a value, since a test looks at failures as much as at replies. Asked for on the connection's loop, so
/// that a deadline is not spent on the way there.
func outcome(
    _ redis: RedisConnection, _ command: [RedisArgument], deadline: Duration? = nil
) async -> RedisCall.Outcome {
    let executor = EventLoopTaskExecutor(redis.eventLoop)
    return await withTaskExecutorPreference(executor) {
        do throws(RedisError) {
            guard let deadline else { return .success(try await redis.send(command)) }
            return .success(try await redis.send(command, deadline: deadline))
        } catch {
            return .failure(error)
        }
    }
}
