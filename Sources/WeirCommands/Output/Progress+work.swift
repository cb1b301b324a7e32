import NIOCore
import WeirAdmin

extension Progress {
    /// Runs a request that takes long, and shows how far the aggregator says it is.
    ///
    /// - Parameter body: makes the request, and gives it this id; nil: nobody looks.
    func following<Result: Sendable>(
        _ client: AdminClient, _ body: (_ work: String?) async throws -> Result
    ) async throws -> Result {
        guard isShown else { return try await body(nil) }
        let id = String(UInt64.random(in: .min ... .max), radix: 36)
        let asking = Task {
            while !Task.isCancelled {
                do {
                    let place = try await client.send(
                        .get, ["work", id], as: WorkDescription.self, timeout: .seconds(5)
                    ).message
                    expect(place.total)
                    advance(to: place.done)
                } catch {
                    // It has not begun, has ended, or runs in another aggregator: the bar says that something moves.
                }
                do { try await Task.sleep(for: .milliseconds(200)) } catch { return }
            }
        }
        do {
            let result = try await during { try await body(id) }
            asking.cancel()
            await asking.value
            return result
        } catch {
            asking.cancel()
            await asking.value
            throw error
        }
    }
}
