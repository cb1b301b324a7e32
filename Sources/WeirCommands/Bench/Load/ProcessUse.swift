import Foundation
import Glibc
import NIOCore
import WeirRedis

/// What another process uses, as the kernel counts it.
enum ProcessUse {
    /// Seconds of CPU so far, user and system, all threads.
    static func cpuSeconds(pid: Int32) throws -> Double {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else {
            throw BenchError(description: "process \(pid) has ended")
        }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Resident memory in MiB: now, and at most so far.
    static func memory(pid: Int32) throws -> (now: Double, most: Double) {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        func mebibytes(_ name: String) -> Double {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
            return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
        }
        return (mebibytes("VmRSS:"), mebibytes("VmHWM:"))
    }

    /// Seconds of CPU that Redis has used so far.
    static func redisCPUSeconds(_ pool: RedisPool) async throws -> Double {
        guard case .bulk(let buffer) = try await pool.send(["INFO", "cpu"]) else { return 0 }
        return String(buffer: buffer).split(whereSeparator: \.isNewline).reduce(0) { sum, line in
            let parts = line.split(separator: ":")
            guard parts.count == 2, parts[0] == "used_cpu_sys" || parts[0] == "used_cpu_user" else { return sum }
            return sum + (Double(parts[1]) ?? 0)
        }
    }
}
