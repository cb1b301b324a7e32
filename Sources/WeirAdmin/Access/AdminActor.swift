import WeirLedger

/// Who makes a request of the admin API, as far as it is proven.
package struct AdminActor: Sendable, Hashable {
    /// Of a token of the ledger: the token's name. With the environment's token, or where none is asked for, the name is
    /// the caller's word.
    package var name: String
    package var role: AdminRole
    /// The id of the ledger's token; nil: the environment's, or none was asked for.
    package var tokenID: String?
    /// Where the request comes from.
    package var address: String

    package init(name: String, role: AdminRole, tokenID: String? = nil, address: String) {
        self.name = name
        self.role = role
        self.tokenID = tokenID
        self.address = address
    }

    /// Who has shown nothing yet.
    static let nobody = AdminActor(name: "nobody", role: .viewer, address: "nowhere")

    /// - Parameter act: what is asked for, for the error: `POST /admin/v1/kill-switch`.
    /// - Throws: ``AdminError`` with 403 if a greater role is needed.
    package func require(_ wanted: AdminRole, for act: String) throws(AdminError) {
        guard role >= wanted else {
            throw AdminError(
                .forbidden, "\(act) is for the role \(wanted.rawValue); \(name) has the role \(role.rawValue)",
                hint: "an admin makes a token for it: weir admin-token create --role \(wanted.rawValue) --name NAME")
        }
    }
}
