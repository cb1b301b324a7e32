import ArgumentParser
import Foundation

/// Where the admin API is, and how to show its answers.
struct AdminOptions: ParsableArguments {
    @Option(help: Setting.adminURL.help("The aggregator's address."))
    var adminUrl: String?

    @Option(
        help: Setting.adminTokenFile.help("A file with the admin token. WEIR_ADMIN_TOKEN may hold the token itself."))
    var adminTokenFile: String?

    @OptionGroup var output: OutputOptions

    /// The token: from the file, else from the environment; nil: none.
    func token() throws(SettingError) -> String? { try Self.token(file: adminTokenFile) }

    static func token(file: String?) throws(SettingError) -> String? {
        // A file that was named on purpose wins over a variable that may be left over.
        if file == nil, let token = Setting.adminToken.value(nil) { return token }
        return try Setting.text(file: Setting.adminTokenFile.value(file), what: Setting.adminTokenFile.flag)
    }
}
