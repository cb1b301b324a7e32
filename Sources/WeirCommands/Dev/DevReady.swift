import Foundation

/// What scripts need to know of a running `weir dev`: the content of `--ready-file`.
struct DevReady: Sendable, Codable {
    var redis: String
    var gateways: [String]
    var ops: [String]
    var aggregator: String
    var simulator: String
    /// The ledger's file.
    var ledger: String
    /// By name: redis, simulator, aggregator, gateway-1, gateway-2.
    var pids: [String: Int32]
    var adminToken: String
    /// `<team>/<user>` → API key.
    var keys: [String: String]

    enum CodingKeys: String, CodingKey {
        case redis, gateways, ops, aggregator, simulator, ledger, pids, keys
        case adminToken = "admin_token"
    }

    /// One object, its names in order, on one line.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// Writes it in one step: whoever sees the file can read all of it. Only for this user, since it holds keys.
    func write(to path: String) throws {
        let partial = path + ".partial"
        guard
            FileManager.default.createFile(
                atPath: partial, contents: Data(try json().utf8), attributes: [.posixPermissions: 0o600])
        else { throw DevError(description: "cannot write \(partial)") }
        guard rename(partial, path) == 0 else { throw DevError(description: "cannot write \(path)") }
    }
}
