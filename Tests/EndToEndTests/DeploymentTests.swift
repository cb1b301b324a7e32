import Foundation
import Testing
import WeirTestSupport

extension EndToEnd.OneStack {
    /// What is in `deploy/`, what the pages say of it, and the terminal: `Tests/Deployment`.
    @Suite struct DeploymentTests {
        private static let script =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().path + "/Deployment/run"

        @Test func `what deploy/ holds is right, and does what its pages say`() async throws {
            let stack = try Stack.here
            let finished = try await Program.run(
                Self.script, [],
                environment: ["WEIR_BINARY": Program.weir, "WEIR_READY_FILE": stack.dev.readyFile])
            print(finished.output.split(separator: "\n").suffix(3).joined(separator: "\n"))
            #expect(finished.status == 0, "\(finished.output)\n\(finished.errors)")
        }
    }
}
