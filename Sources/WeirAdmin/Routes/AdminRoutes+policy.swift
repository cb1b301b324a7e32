import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    var policyRoutes: [AdminRoute] {
        [
            .get("policy") { request, _ in try await showPolicy(request) },
            .get("policy/versions") { request, _ in try await listPolicies(request) },
            .put("policy", role: .admin) { request, context in try await applyPolicy(request, context) },
            .post("policy/check", role: .viewer) { request, _ in try await checkPolicy(request) },
        ]
    }

    private func showPolicy(_ request: Request) async throws -> Response {
        guard let text = try query(request, known: ["version"])["version"] else {
            guard let current = try await ledger.currentPolicy() else {
                throw AdminError(.notFound, "no policy was applied yet", hint: "weir policy apply FILE")
            }
            return try answer(PolicyAnswer(current))
        }
        guard let version = Int(text), let policy = try await ledger.policy(version: version) else {
            throw AdminError(.notFound, "there is no version \(text.prefix(20)) of the policy")
        }
        return try answer(PolicyAnswer(policy))
    }

    private func listPolicies(_ request: Request) async throws -> Response {
        let text = try query(request, known: ["limit"])["limit"] ?? "100"
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw AdminError(.invalidField, "limit must be from 1 to 1000")
        }
        return try answer(PolicyList(versions: try await ledger.policies(limit: limit).map(PolicyLine.init)))
    }

    private func applyPolicy(_ request: Request, _ context: AdminContext) async throws -> Response {
        let values = try query(request, known: ["name", "note"])
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

    private func checkPolicy(_ request: Request) async throws -> Response {
        let values = try query(request, known: ["name"])
        return try answer(PolicyChecked(try await read(request, name: values["name"]).policy))
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
