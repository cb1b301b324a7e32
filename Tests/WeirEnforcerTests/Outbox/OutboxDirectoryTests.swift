import Glibc
import Testing
import WeirTestSupport

@testable import WeirEnforcer

@Suite struct OutboxDirectoryTests {
    /// What is closed twice is, the second time, whatever the system has opened under that number meanwhile.
    @Test func `a refused directory closes no file of anybody else`() async throws {
        try await withTemporaryDirectory { directory in
            let held = try OutboxDirectory(directory + "/a")
            await withTaskGroup { group in
                group.addTask {
                    for _ in 0..<20_000 {
                        #expect(throws: OutboxError.self) { try OutboxDirectory(directory + "/a") }
                    }
                }
                group.addTask {
                    var lost = 0
                    for _ in 0..<20_000 {
                        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
                        sched_yield()
                        if fcntl(file, F_GETFD) < 0 { lost += 1 } else { close(file) }
                    }
                    #expect(lost == 0)
                }
            }
            held.unlock()
        }
    }
}
