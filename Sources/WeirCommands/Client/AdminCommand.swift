import ArgumentParser

/// A command that asks the admin API something and reports the answer.
protocol AdminCommand: AsyncParsableCommand {
    var admin: AdminOptions { get }

    /// What the command has to say; of its own where it need not ask the API.
    func report() async throws -> Report

    /// Does it. Throws what the operator should read.
    func perform(_ client: AdminClient) async throws -> Report
}

/// One that answers with a table.
protocol AdminTableCommand: AdminCommand {
    var table: TableOptions { get }
}

extension AdminCommand {
    func report() async throws -> Report {
        try await AdminClient.with(
            url: Setting.adminURL.value(admin.adminUrl) ?? "", token: admin.token(), perform)
    }

    package func run() async throws {
        let form = try (self as? any AdminTableCommand)?.table.form(admin.output) ?? admin.output.form
        let report: Report
        do { report = try await self.report() } catch { throw failure(error) }
        try report.print(form)
    }
}
