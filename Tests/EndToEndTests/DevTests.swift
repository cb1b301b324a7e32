import Foundation
import Testing
import WeirTestSupport

extension EndToEnd {
    /// `weir dev` itself.
    @Suite struct DevTests {
        private static let people = ["acme/alice", "acme/bob", "globex/carol", "initech/dave"]

        @Test func `the ready file tells all that a script needs, and a second start goes on where the first ended`()
            async throws
        {
            try await withTemporaryDirectory { directory in
                let first = try await DevProcess.start(policy: TestPolicy.roomy, directory: directory)
                let data = try Data(contentsOf: URL(fileURLWithPath: first.readyFile))
                let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
                #expect(
                    object.keys.sorted() == [
                        "admin_token", "aggregator", "gateways", "keys", "ledger", "ops", "pids", "redis", "simulator",
                    ])
                let ready = first.ready
                #expect(ready.gateways.count == 2 && ready.ops.count == 2)
                #expect(ready.pids.keys.sorted() == ["aggregator", "gateway-1", "gateway-2", "redis", "simulator"])
                #expect(ready.pids.values.allSatisfy { !isGone($0) })
                #expect(ready.keys.keys.sorted() == Self.people)
                #expect(ready.admin_token.count >= 16 && FileManager.default.fileExists(atPath: ready.ledger))
                let mode = try FileManager.default.attributesOfItem(atPath: first.readyFile)[.posixPermissions] as? Int
                #expect(mode == 0o600, "it holds keys")

                let made = try await madeCalls(Stack(dev: first))
                try await first.end()
                let second = try await DevProcess.start(policy: TestPolicy.roomy, directory: directory)
                #expect(second.ready.keys == ready.keys && second.ready.admin_token == ready.admin_token)
                #expect(second.ready.ledger == ready.ledger)
                let stack = Stack(dev: second)
                #expect(Set(try await events(stack)).isSuperset(of: made))
                let more = try await madeCalls(stack)
                try await eventually("all in the ledger") {
                    try await Set(events(stack)) == Set(made + more)
                }
                try await second.end()
            }
        }

        /// One call of everybody.
        private func madeCalls(_ stack: Stack) async throws -> [String] {
            var requests: [String] = []
            for (name, key) in stack.ready.keys {
                let parts = name.split(separator: "/").map(String.init)
                let answer = try await stack.call(Person(team: parts[0], user: parts[1], key: key))
                #expect(answer.status == 200)
                requests.append(answer.request)
            }
            try await eventually("calls in the ledger") { try await Set(events(stack)).isSuperset(of: requests) }
            return requests
        }

        private func events(_ stack: Stack) async throws -> [String] {
            try await stack.events(teams: ["acme", "globex", "initech"]).map(\.request)
        }

        @Test func `it ends by itself after --for`() async throws {
            try await withTemporaryDirectory { directory in
                let dev = try await DevProcess.start(
                    policy: TestPolicy.roomy, directory: directory, arguments: ["--for", "1s"])
                try await dev.ended()
            }
        }

        @Test func `killed with -9 it leaves no process behind`() async throws {
            try await withTemporaryDirectory { directory in
                let dev = try await DevProcess.start(policy: TestPolicy.roomy, directory: directory)
                let children = try Self.children(of: dev.pid)
                #expect(children.count >= dev.ready.pids.count)
                await dev.kill()
                try await eventually("all gone", within: .seconds(60)) {
                    (children + dev.ready.pids.values).allSatisfy(isGone)
                }
            }
        }

        @Test func `a lost process ends all of it, and says which`() async throws {
            try await withTemporaryDirectory { directory in
                let dev = try await DevProcess.start(policy: TestPolicy.roomy, directory: directory)
                kill(try #require(dev.ready.pids["gateway-2"]), SIGKILL)
                await #expect(throws: Program.Problem.self) { try await dev.ended() }
                #expect(dev.log.contains("gateway-2 has ended"), "\(dev.log)")
                #expect(dev.ready.pids.values.allSatisfy(isGone))
            }
        }

        @Test func `a wrong policy is refused with file and line, and nothing is left running`() async throws {
            try await withTemporaryDirectory { directory in
                let wrong = TestPolicy.roomy.replacing("unit: tokens", with: "unit: tokenz")
                let dev = try DevProcess.launch(policy: wrong, directory: directory)
                #expect(await dev.end() == 1)
                #expect(dev.log.contains("policy.yaml:15") && dev.log.contains("tokenz"), "\(dev.log)")
                #expect(!FileManager.default.fileExists(atPath: directory + "/ready.json"))
                // Every process of it names the directory or the private Redis in it.
                try await eventually("nothing left") { try Self.processes(naming: directory).isEmpty }
            }
        }

        private static func allPids() throws -> [Int32] {
            try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
        }

        private static func children(of parent: Int32) throws -> [Int32] {
            try allPids().filter { pid in
                let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
                let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
                return fields.count > 1 && Int32(fields[1]) == parent
            }
        }

        private static func processes(naming directory: String) throws -> [Int32] {
            try allPids().filter { pid in
                guard pid != getpid(), !isGone(pid) else { return false }
                let text = String(
                    decoding: FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data(), as: UTF8.self)
                let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
                return text.contains(directory) || folder == directory
            }
        }
    }
}
