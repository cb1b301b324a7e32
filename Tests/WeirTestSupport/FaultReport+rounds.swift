import Foundation

extension FaultReport {
    /// How often, or with how much, a test repeats its fault: `fast` in `make test`, `full` in `make faults`
    /// (`WEIR_FAULTS=full`). It is the same test.
    package static func rounds(_ fast: Int, full: Int) -> Int {
        ProcessInfo.processInfo.environment["WEIR_FAULTS"] == "full" ? full : fast
    }
}
