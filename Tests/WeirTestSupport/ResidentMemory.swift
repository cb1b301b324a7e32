import Foundation

/// How much memory a process holds.
package enum ResidentMemory {
    /// In KiB, as the kernel counts it; nil if there is no such process.
    /// - Parameter pid: nil: this process.
    package static func kib(of pid: Int32? = nil) -> Int? {
        let status = try? String(contentsOfFile: "/proc/\(pid.map { "\($0)" } ?? "self")/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }
}
