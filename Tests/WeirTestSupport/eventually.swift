/// A condition that did not come true in time.
package struct ConditionNotMet: Error, CustomStringConvertible {
    package let description: String
}

/// Waits until `condition` holds, asking again every few milliseconds.
///
/// - Parameter limit: far more than it should take; only a failing test waits so long.
/// - Throws: ``ConditionNotMet`` with the place of the call and, if the condition threw last, its error.
nonisolated(nonsending) package func eventually(
    _ what: String = "condition", within limit: Duration = .seconds(10), file: StaticString = #fileID,
    line: UInt = #line, _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    var problem = "it stayed false"
    repeat {
        do {
            if try await condition() { return }
            problem = "it stayed false"
        } catch let error as CancellationError {
            throw error
        } catch {
            problem = "last error: \(error)"
        }
        try await Task.sleep(for: .milliseconds(5))
    } while ContinuousClock.now < end
    throw ConditionNotMet(description: "\(what) was not met within \(limit) (\(file):\(line)): \(problem)")
}
