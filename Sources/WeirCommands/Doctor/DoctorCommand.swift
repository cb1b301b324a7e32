import ArgumentParser
import Foundation
import Logging
import NIOPosix
import WeirCore
import WeirRedis

/// `weir doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks at Redis and what lies in it, and says what is wrong and what to do.",
        discussion: """
            Asks Redis itself, changes nothing, and looks at no more than 200,000 keys. Every line is ok, warn or fail; with \
            a fail the exit code is 1.

              weir doctor --redis redis://redis.internal:6379
            """)

    @OptionGroup var redis: RedisOptions

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report: Report
        do { report = try await self.report() } catch { throw failure(error) }
        try report.print(output.form)
    }

    func report() async throws -> Report {
        var configuration = try redis.configuration()
        configuration.connectTimeout = .seconds(3)
        let connection = RedisConnection(
            configuration: configuration, eventLoop: MultiThreadedEventLoopGroup.singleton.any(),
            logger: Logger(label: "weir.doctor") { _ in SwiftLogNoOpLogHandler() })
        connection.start()
        var findings: [Finding]
        do throws(RedisError) {
            try await connection.waitUntilReady(timeout: .seconds(5))
            findings = [.ok("redis", "Redis answers at \(configuration)")]
        } catch {
            findings = [
                .fail(
                    "redis", "Redis does not answer at \(configuration): \(error)",
                    "is it running, and do --redis or WEIR_REDIS_URL say where, with which password, with or without TLS?"
                )
            ]
        }
        if findings[0].level == .ok {
            do {
                findings += Diagnosis.findings(try await DoctorReader(connection: connection).facts())
            } catch {
                findings.append(.fail("redis", "Redis stopped answering: \(error)", "try again; read Redis's log"))
            }
        }
        await connection.close()
        return try Self.report(findings)
    }

    static func report(_ findings: [Finding]) throws -> Report {
        struct Answer: Encodable {
            let ok: Bool
            let checks: [Finding]
        }
        let isSuccess = !findings.contains { $0.level == .fail }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = String(decoding: try encoder.encode(Answer(ok: isSuccess, checks: findings)), as: UTF8.self)
        var report = Report(json: json, isSuccess: isSuccess)
        report.parts = findings.flatMap { finding -> [Report.Part] in
            let mark = finding.level.rawValue.padding(toLength: 5, withPad: " ", startingAt: 0)
            let name = finding.check.padding(toLength: 12, withPad: " ", startingAt: 0)
            return [.text("\(mark)\(name)\(finding.text)", finding.level.tone)]
                + (finding.remedy.map { [.text("                 → \($0)")] } ?? [])
        }
        return report
    }
}

extension Finding.Level {
    fileprivate var tone: Tone? {
        switch self {
        case .ok: nil
        case .warn: .warning
        case .fail: .bad
        }
    }
}
