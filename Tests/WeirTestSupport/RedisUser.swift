import Foundation

/// The users of `deploy/redis/users.acl`: what the tests' processes do, they do as these, so that what the file allows is
/// enough. What a test prepares or looks at itself, it does as Redis's `default`, who may do everything here.
package enum RedisUser: String, Sendable {
    case gateway = "weir-gateway"
    case aggregator = "weir-aggregator"
    case inspect = "weir-inspect"

    /// Writes the shipped file, with any password being right.
    static func file(in directory: String) throws -> String {
        let shipped =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path + "/deploy/redis/users.acl"
        let path = directory + "/users.acl"
        try String(contentsOfFile: shipped, encoding: .utf8)
            .replacing(
                "user default off resetpass resetkeys resetchannels -@all", with: "user default on nopass ~* &* +@all"
            )
            .replacing(" on resetpass ", with: " on nopass ")
            .write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}
