import Foundation

/// Runs `body` with a new private directory, which is removed afterwards. Its path is short enough for unix sockets.
nonisolated(nonsending) package func withTemporaryDirectory<Result>(
    _ body: (String) async throws -> Result
) async throws -> Result {
    let path = try makeTemporaryDirectory()
    defer { removeTemporaryDirectory(path) }
    return try await body(path)
}

func makeTemporaryDirectory() throws -> String {
    var template = Array("/tmp/weir-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw RedisServer.Problem("no temporary directory: errno \(errno)") }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

func removeTemporaryDirectory(_ path: String) {
    do {
        try FileManager.default.removeItem(atPath: path)
    } catch {
        // Left over in /tmp; not worth failing a test that passed.
        print("could not remove \(path): \(error)")
    }
}
