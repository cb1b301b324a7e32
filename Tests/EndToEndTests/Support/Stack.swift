import AsyncHTTPClient
import Foundation
import NIOCore
import Testing
import WeirRedis
import WeirTestSupport

/// A whole Weir of one suite, as `weir dev` runs it, and the ways to it.
final class Stack: Sendable {
    let dev: DevProcess
    var ready: DevProcess.Ready { dev.ready }
    /// Those that were started instead of killed ones.
    let replacements: Replacements

    init(dev: DevProcess) {
        self.dev = dev
        replacements = Replacements(directory: dev.directory)
    }

    @TaskLocal private static var current: Stack?

    /// The stack of the suite that is running.
    static var here: Stack { get throws { try #require(current, "the suite has no .stack") } }

    /// Runs `body` with a new one, and ends it.
    static func with(
        policy: String = TestPolicy.roomy, environment: [String: String] = patient,
        _ body: (Stack) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let stack = Stack(
                dev: try await DevProcess.start(
                    policy: policy, directory: directory, arguments: ["--keep-going"], environment: environment))
            let result: Result<Void, any Error>
            do {
                result = .success(try await $current.withValue(stack) { try await body(stack) })
            } catch {
                result = .failure(error)
            }
            await stack.replacements.endNodes()
            do { try await stack.dev.end() } catch {
                await stack.replacements.endRedis()
                throw error
            }
            await stack.replacements.endRedis()
            try result.get()
        }
    }

    /// For tests of who is admitted: a loaded test machine is slower than the default deadline for Redis allows.
    static let patient = ["WEIR_REDIS_DEADLINE_MS": "5000"]

    // MARK: Its operator

    /// Runs a `weir` command as its operator would.
    func weir(_ arguments: String...) async throws -> Program.Finished { try await weir(arguments) }

    func weir(_ arguments: [String]) async throws -> Program.Finished {
        try await Program.run(
            Program.weir, arguments,
            environment: ["WEIR_ADMIN_URL": aggregator, "WEIR_ADMIN_TOKEN": ready.admin_token])
    }

    /// The output of a `weir` command that must succeed, decoded from its JSON.
    func weirJSON<Answer: Decodable>(_ arguments: String..., as type: Answer.Type = Answer.self) async throws -> Answer
    {
        let finished = try await weir(arguments + ["--json"])
        try #require(finished.status == 0, "\(finished.errors)")
        return try JSONDecoder().decode(type, from: Data(finished.output.utf8))
    }

    /// Runs redis-cli.
    @discardableResult
    func redisCLI(_ arguments: String...) async throws -> String {
        let finished = try await Program.run("redis-cli", ["-u", ready.redis] + arguments)
        try #require(finished.status == 0, "\(finished.errors)")
        return finished.output.trimmingCharacters(in: .newlines)
    }

    /// Runs a `weir` command that must succeed.
    func weirDone(_ arguments: String...) async throws {
        let finished = try await weir(arguments)
        try #require(finished.status == 0, "weir \(arguments): \(finished.errors)")
    }

    /// A new user of a team, with an API key of their own.
    /// - Parameter product: what their calls count as; nil: `default`.
    func newPerson(team: String, user: String, product: String? = nil) async throws -> Person {
        let made = try await weir(
            ["keys", "create", "--team", team, "--user", user] + (product.map { ["--product", $0] } ?? []))
        try #require(made.status == 0, "\(made.errors)")
        return Person(team: team, user: user, key: made.output.trimmingCharacters(in: .newlines))
    }

    /// Asks Redis.
    func withRedis<Result>(_ body: (RedisConnection) async throws -> Result) async throws -> Result {
        var configuration = try RedisConfiguration(url: ready.redis)
        configuration.commandDeadline = .seconds(5)
        configuration.connectTimeout = .seconds(10)
        return try await withConnection(configuration, body)
    }

    /// Redis's time.
    func unixSeconds() async throws -> Int {
        let text = try await redisCLI("TIME")
        return try #require(text.split(separator: "\n").first.flatMap { Int($0) })
    }
}

struct Person: Sendable, Hashable {
    let team: String
    let user: String
    let key: String
    /// How `weir keys` names the key.
    var keyID: String { String(key.prefix(11)) }
}

/// Gives a suite a stack of its own, from before its first test to after its last.
struct StackTrait: SuiteTrait, TestScoping {
    var policy = TestPolicy.roomy
    var environment = Stack.patient

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Stack.with(policy: policy, environment: environment) { _ in try await function() }
    }
}

extension Trait where Self == StackTrait {
    static var stack: Self { StackTrait() }
    static func stack(policy: String = TestPolicy.roomy, environment: [String: String] = Stack.patient) -> Self {
        StackTrait(policy: policy, environment: environment)
    }
}

extension Stack {
    /// Waits for what Weir promises to every node within a second.
    func promised(
        _ what: String, file: StaticString = #fileID, line: UInt = #line, _ condition: () async throws -> Bool
    ) async throws {
        try await eventually(what, within: .seconds(1), file: file, line: line, condition)
    }
}
