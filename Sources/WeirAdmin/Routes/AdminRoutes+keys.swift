import Hummingbird
import WeirCore
import WeirLedger

extension AdminRoutes {
    var keyRoutes: [AdminRoute] {
        [
            .get(
                "keys", "API keys, without their text, oldest first",
                [
                    .init("team", .id, "Only this team's."), .init("user", .id, "Only this user's."),
                    .init("group", .id, "Only those in this group."),
                    .init("status", .oneOf(["active", "revoked"]), "Only those; one that has ended is `active`."),
                ], answer: KeyList.self
            ) { request, context in try await listKeys(request, context) },
            .on(
                .post, "keys", role: .admin, "Make an API key; its text is answered this once",
                body: .json(KeyRequest.self), answer: CreatedKey.self, status: .created
            ) { request, context in try await createKey(request, context) },
            .get("keys/{id}", "One API key, without its text", answer: KeyDescription.self) { _, context in
                try await showKey(context)
            },
            .on(
                .post, "keys/{id}/rotate", role: .admin,
                "Make a key of the same rights; the old one ends after the overlap", body: .json(RotateRequest.self),
                answer: RotatedKey.self, status: .created
            ) { request, context in try await rotateKey(request, context) },
            .on(
                .delete, "keys/{id}", role: .admin, "Revoke an API key for ever; again does no harm",
                answer: KeyDescription.self
            ) { _, context in try await revokeKey(context) },
        ]
    }

    private func listKeys(_ request: Request, _ context: AdminContext) async throws -> Response {
        try await listAnswer(request, context, as: "keys", parts: 2) { query, place, limit in
            let values = query.values
            let keys = try await ledger.keys(
                KeyFilter(
                    team: values["team"], user: values["user"], group: values["group"],
                    isActive: values["status"].map { $0 == "active" }),
                after: place.map { (Int($0[0]) ?? .max, $0[1]) }, limit: limit)
            return (
                KeyList(keys: keys.map(KeyDescription.init)),
                keys.count == limit ? keys.last.map { [String($0.createdAtMs), $0.record.id] } : nil
            )
        }
    }

    private func showKey(_ context: AdminContext) async throws -> Response {
        let id = try valid(try parameter("id", context), "a key's id")
        guard let key = try await ledger.key(id: id) else {
            throw AdminError(.notFound, "there is no key \(id)", hint: "weir keys list shows all ids")
        }
        return try answer(KeyDescription(key))
    }

    private func createKey(_ request: Request, _ context: AdminContext) async throws -> Response {
        let wanted = try await request.message(KeyRequest.self, upTo: 65_536)
        var record = APIKeyRecord(id: "", team: try valid(wanted.team, "a team"))
        guard record.team != APIKeyRecord.anonymous.team else {
            throw AdminError(
                .invalidField, "the team \(record.team) stands for callers without a key", hint: "use another name")
        }
        record.user = try wanted.user.map { try valid($0, "a user") }
        record.groups = try unique(wanted.groups, "groups").map { try valid($0, "a group") }
        record.products = try await products(wanted.products)
        record.models = try unique(wanted.models, "models").map(model)
        record.expiresAtMs = try expiry(of: wanted)
        let (key, entry) = newKey(record)
        let owner = record.team + (record.user.map { "/" + $0 } ?? "")
        try await ledger.insertKey(entry, audit: audit(context, "key.create", key.id, after: owner))
        let created = CreatedKey(key: key.text, description: KeyDescription(entry))
        do {
            try await publication.publish(entry)
        } catch {
            // The text is known nowhere else: it goes with the error, or it would be lost.
            var answer = notPublished(error, "the key \(key.id)")
            answer.key = created
            throw answer
        }
        return try answer(created, status: .created)
    }

    private func expiry(of wanted: KeyRequest) throws -> Int? {
        if let text = wanted.expiresAt {
            guard wanted.expiresAtMs == nil, let ms = moment(text), ms > nowMs() else {
                throw AdminError(
                    .invalidField, "expires_at is no moment in the future, or expires_at_ms is given, too",
                    hint: "write it as 2027-01-01T00:00:00Z", field: "expires_at")
            }
            return ms
        }
        guard let ms = wanted.expiresAtMs else { return nil }
        guard ms > nowMs(), ms < 253_402_300_800_000 else {
            throw AdminError(
                .invalidField, "expires_at_ms lies in the past", hint: "milliseconds since 1970, before the year 10000",
                field: "expires_at_ms")
        }
        return ms
    }

    /// A key of the given rights, under an id of its own.
    private func newKey(_ record: APIKeyRecord) -> (key: APIKey, entry: LedgerKey) {
        var record = record
        var generator = SystemRandomNumberGenerator()
        let key = APIKey.generate(using: &generator)
        record.id = key.id
        return (key, LedgerKey(record: record, sha256: TokenDigest(key.text).hexadecimal, createdAtMs: nowMs()))
    }

    /// Makes a key of the same rights, and lets the old one end after the overlap.
    private func rotateKey(_ request: Request, _ context: AdminContext) async throws -> Response {
        let id = try valid(try parameter("id", context), "a key's id")
        let wanted = try await request.message(RotateRequest.self, upTo: 4096)
        guard (0...RotateRequest.longestOverlapSeconds).contains(wanted.overlapSeconds) else {
            throw AdminError(
                .invalidField, "overlap_seconds is from 0 to \(RotateRequest.longestOverlapSeconds) (90 days)")
        }
        guard let old = try await ledger.key(id: id) else {
            throw AdminError(.notFound, "there is no key \(id)", hint: "weir keys list shows all ids")
        }
        guard old.record.isActive, old.record.expiresAtMs.map({ $0 > nowMs() }) ?? true else {
            throw AdminError(
                .invalidField, "the key \(id) is revoked or has ended", hint: "make a new one: weir keys create")
        }
        var rights = old.record
        // As long a life as the old one was given, from now on.
        rights.expiresAtMs = old.record.expiresAtMs.map { nowMs().addingSaturated($0 - old.createdAtMs) }
        let (key, entry) = newKey(rights)
        let endsAtMs = nowMs() + wanted.overlapSeconds * 1000
        let isDone = try await ledger.rotateKey(
            id: id, endsAtMs: endsAtMs, to: entry, audit: audit(context, "key.rotate", id, after: key.id))
        guard isDone, let ending = try await ledger.key(id: id) else {
            throw AdminError(.invalidField, "the key \(id) was revoked meanwhile", hint: "weir keys create")
        }
        let created = CreatedKey(key: key.text, description: KeyDescription(entry))
        do {
            // The new one first: whoever is told that the old one ends has one that works.
            try await publication.publish(entry)
            try await publication.publish(ending)
        } catch {
            var answer = notPublished(error, "the key \(key.id)")
            answer.key = created
            throw answer
        }
        return try answer(
            RotatedKey(key: created.key, description: created.description, replaced: KeyDescription(ending)),
            status: .created)
    }

    private func revokeKey(_ context: AdminContext) async throws -> Response {
        let id = try valid(try parameter("id", context), "a key's id")
        _ = try await ledger.revokeKey(id: id, audit: audit(context, "key.revoke", id))
        guard let key = try await ledger.key(id: id) else {
            throw AdminError(.notFound, "there is no key \(id)", hint: "weir keys list shows all ids")
        }
        do {
            try await publication.publish(key)
        } catch {
            throw notPublished(error, "the revocation of \(id)")
        }
        return try answer(KeyDescription(key))
    }

    /// Names of products, aliases resolved.
    private func products(_ names: [String]?) async throws -> [String] {
        let names = try unique(names, "products")
        guard !names.isEmpty else { return [] }
        guard let policy = try await policyInForce() else {
            throw AdminError(
                .invalidField, "no policy was applied yet, so there are no products", hint: "weir policy apply FILE")
        }
        return try names.map { name in
            guard let product = policy.product(named: name) else {
                throw AdminError(
                    .invalidField, "there is no product \"\(name.prefix(60))\"",
                    hint: "products: \(policy.products.keys.sorted().joined(separator: ", "))")
            }
            return product.name
        }
    }

    private func unique(_ names: [String]?, _ field: String) throws -> [String] {
        let names = names ?? []
        guard names.count <= 64, Set(names).count == names.count else {
            throw AdminError(.invalidField, "\(field) has more than 64 names, or one of them twice")
        }
        return names
    }

    /// A model's name; a comma would end it in Redis's list.
    func model(_ name: String) throws -> String {
        guard (1...256).contains(name.utf8.count), name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x2c }) else {
            throw AdminError(.invalidField, "\"\(name.prefix(60))\" cannot be a model")
        }
        return name
    }
}
