import Glibc
import Testing

@testable import WeirCommands

@Suite struct OpenFilesTests {
    @Test func `as many files may be open as the system allows`() throws {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var bound = rlimit()
        try #require(getrlimit(resource, &bound) == 0)
        #expect(OpenFiles.raiseBound() == Int(clamping: bound.rlim_max))
        var after = rlimit()
        try #require(getrlimit(resource, &after) == 0)
        #expect(after.rlim_cur == bound.rlim_max)
    }
}
