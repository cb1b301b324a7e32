import Foundation
import NIOHTTP1
import Testing
import WeirAdmin
import WeirRedis
import WeirTestSupport

/// `schemathesis` asks the running API what its own document says may be asked, and what it says may not.
@Suite struct SchemathesisTests {
    private static let python =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Clients/python"

    @Test(arguments: [20_261_121])
    func `every answer is as the document says, and none is a fault of ours`(seed: Int) async throws {
        print("seed \(seed)")
        try await withAdmin { admin in
            try await admin.applyPolicy()
            // As an aggregator makes a deployment, so that calls can be explained.
            try await admin.redis.send(["HSET", .string(RedisKeys.meta), "layout", "1", "shards", "16"])
            for shard in Shard.all(count: 16) {
                try await admin.redis.send(["SET", .string(RedisKeys.epoch(shard)), "1"])
            }
            // Something of everything, so that lists have items.
            let setup: [(String, String)] = [
                ("keys", #"{"team":"acme","user":"alice","groups":["g"]}"#),
                ("overrides", #"{"limit":"ai-calls","subject":"user:acme/alice","amount":7}"#),
                ("kill-switch", #"{"scope":"team:other","on":true,"reason":"x"}"#),
                ("admin-tokens", #"{"name":"viewer","role":"viewer"}"#),
            ]
            for (path, body) in setup {
                let answer = try await admin.send(.POST, "/admin/v1/\(path)", body)
                #expect((200..<300).contains(answer.status), "\(answer.body)")
            }
            try await admin.ingestCalls(50)
            let run = try await Program.run(
                Self.python,
                [
                    "-c",
                    // It keeps what it found in the directory where it runs.
                    "import os, sys, tempfile; home = tempfile.TemporaryDirectory(); os.chdir(home.name); from schemathesis.cli import schemathesis; sys.exit(schemathesis())",
                    "run",
                    admin.url + "/openapi.json", "--header", "Authorization: Bearer \(token)", "--seed", "\(seed)",
                    "--max-examples", "10", "--phases", "examples,coverage,fuzzing", "--checks",
                    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
                        + "allow_header_conformance,unsupported_method",
                    "--continue-on-failure", "--generation-database", "none", "--no-color", "--request-timeout", "30",
                ])
            #expect(run.status == 0, "\(run.output.suffix(20_000))\n\(run.errors.suffix(2000))")
            print(run.output.split(separator: "\n").suffix(4).joined(separator: "\n"))
        }
    }
}
