import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    var policyRoutes: [AdminRoute] {
        let name = AdminParameter("name", .text, "The file's name, for error messages.")
        return [
            .get(
                "policy", "The policy in force, or an older version",
                [.init("version", .text, "Which; the newest without it.")],
                answer: PolicyAnswer.self
            ) { _, context in try await showPolicy(context) },
            .get("policy/versions", "The policies that were applied, newest first", answer: PolicyList.self) {
                request, context in try await listPolicies(request, context)
            },
            .get(
                "policy/diff", "What changes from one version to another",
                [
                    .init("from", .integer(1...Int.largestExact), "The older version.", isRequired: true),
                    .init("to", .integer(1...Int.largestExact), "The newer one; without it that in force."),
                ], answer: PolicyDiffAnswer.self
            ) { _, context in try await diffVersions(context) },
            .on(
                .put, "policy", role: .admin, "Apply a policy",
                [name, .init("note", .text, "Why, for the audit.")], body: .policy, answer: PolicyAnswer.self
            ) { request, context in try await applyPolicy(request, context) },
            .on(
                .post, "policy/check", role: .viewer, "Check a policy; nothing is applied", [name], body: .policy,
                answer: PolicyChecked.self
            ) { request, context in try await checkPolicy(request, context) },
            .on(
                .post, "policy/diff", role: .viewer, "What a policy would change of the one in force", [name],
                body: .policy, answer: PolicyDiffAnswer.self
            ) { request, context in try await diffProposal(request, context) },
        ]
    }

    private func showPolicy(_ context: AdminContext) async throws -> Response {
        try answer(PolicyAnswer(try await version(context.query["version"])))
    }

    /// As asked for, or the newest.
    private func version(_ text: String?) async throws -> PolicyVersion {
        guard let text else {
            guard let current = try await ledger.currentPolicy() else {
                throw AdminError(.notFound, "no policy was applied yet", hint: "weir policy apply FILE")
            }
            return current
        }
        guard let version = Int(text), let policy = try await ledger.policy(version: version) else {
            throw AdminError(.notFound, "there is no version \(text.prefix(20)) of the policy")
        }
        return policy
    }

    private func diffVersions(_ context: AdminContext) async throws -> Response {
        let (old, new) = (try await version(context.query["from"]), try await version(context.query["to"]))
        return try answer(
            PolicyDiffAnswer(from: old.version, to: new.version, PolicyDiff(from: old.policy, to: new.policy)))
    }

    private func diffProposal(_ request: Request, _ context: AdminContext) async throws -> Response {
        let (policy, _) = try await read(request, name: context.query["name"])
        let old = try await version(nil)
        return try answer(
            PolicyDiffAnswer(from: old.version, to: old.version + 1, PolicyDiff(from: old.policy, to: policy)))
    }

    private func listPolicies(_ request: Request, _ context: AdminContext) async throws -> Response {
        try await listAnswer(request, context, as: "versions") { _, place, limit in
            let versions = try await ledger.policies(before: place.flatMap { Int($0[0]) }, limit: limit)
            return (
                PolicyList(versions: versions.map(PolicyLine.init)),
                versions.count == limit ? versions.last.map { [String($0.version)] } : nil
            )
        }
    }

    private func applyPolicy(_ request: Request, _ context: AdminContext) async throws -> Response {
        let values = context.query
        let note = try sentence(values["note"], "note") ?? ""
        let (policy, yaml) = try await read(request, name: values["name"])
        let before = try await ledger.currentPolicy().map { "version \($0.version)" }
        let applied = try await ledger.appendPolicy(
            policy, yaml: yaml, note: note,
            audit: audit(context, "policy.apply", "policy", before: before, reason: note.isEmpty ? nil : note))
        do {
            try await publication.publishPolicy()
        } catch {
            throw notPublished(error, "version \(applied.version) of the policy")
        }
        return try answer(PolicyAnswer(applied))
    }

    private func checkPolicy(_ request: Request, _ context: AdminContext) async throws -> Response {
        try answer(PolicyChecked(try await read(request, name: context.query["name"]).policy))
    }

    /// The body as a policy. Whoever sends it has put in the values of its own environment; none of ours go in.
    func read(_ request: Request, name: String?) async throws -> (policy: Policy, yaml: String) {
        let type = request.headers[.contentType]?.split(separator: ";").first?.lowercased() ?? ""
        guard ["application/yaml", "application/x-yaml"].contains(type) else {
            throw AdminError(
                .unsupportedMediaType, "the body must be YAML", hint: "send content-type: application/yaml")
        }
        let name = try sentence(name, "name") ?? "policy.yaml"
        let bytes = try await request.collected(upTo: configuration.largestBodyBytes)
        guard let yaml = String(validating: bytes.readableBytesView, as: UTF8.self) else {
            throw AdminError(.invalidRequest, "the body is not UTF-8")
        }
        do {
            return (try PolicyFile.read(text: yaml, name: name), yaml)
        } catch {
            let count = error.errors.count
            var answer = AdminError(
                .invalidPolicy, "the policy has \(count) error\(count == 1 ? "" : "s"); nothing of it was applied",
                hint: error.errors.first?.description)
            answer.policyErrors = error.errors
            throw answer
        }
    }
}
