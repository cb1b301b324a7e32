import Hummingbird
import NIOCore
import WeirCore
import WeirLedger

extension Dashboard {
    func addSignIn(to router: Router<AdminContext>) {
        router.get(RouterPath(PageAddress.Page.signIn.rawValue)) { request, context in
            let query = FormFields(request.uri.query ?? "")
            return response(
                signInPage(to: query?["to"], problem: nil), session: nil, request, query)
        }
        router.post(RouterPath(PageAddress.Page.signIn.rawValue)) { request, context in
            do {
                return try await signIn(request, context)
            } catch let error as AdminError {
                let page = signInPage(to: nil, problem: error)
                return response(page, session: nil, request, nil)
            }
        }
        router.post(RouterPath(PageAddress.Page.signOut.rawValue)) { request, context in
            try await answered(request, context) { visit in
                _ = try await submitted(request, by: visit.session)
                if let id = request.cookies[Self.cookieName(request)]?.value { sessions.close(id) }
                var response = seeOther(PageAddress(.signIn, [Notice.field: Notice.signedOut.rawValue]))
                response.headers[.setCookie] = Self.cookie("", for: request, maxAge: 0)
                return response
            }
        }
    }

    private func signInPage(to target: String?, problem: AdminError?) -> Page {
        var page = Page("Sign in", nil, PageAddress(.signIn))
        if let problem { page.status = problem.code.status.code }
        page.add(
            el("div", .css("sign-in card")) {
                el("h1", text: "Sign in to Weir")
                if let problem { ProblemBox(problem).html }
                el("form", .at(.method, "post"), .action(PageAddress(.signIn))) {
                    if let target { void("input", .at(.type, "hidden"), .at(.name, "to"), .at(.value, target)) }
                    el("div", .css("field")) {
                        el("label", .at(.for, "token"), text: "Admin token")
                        void(
                            "input", .at(.type, "password"), .at(.id, "token"), .at(.name, "token"), .mark(.required),
                            .mark(.autofocus), .at(.autocomplete, "current-password"), .at(.maxlength, 512),
                            .at(.ariaDescribedBy, "token-hint"))
                        el("p", .css("hint"), .at(.id, "token-hint")) {
                            "Made by "
                            el("code", text: "weir admin-token create")
                            ", or the one that the aggregator was started with (WEIR_ADMIN_TOKEN)."
                        }
                    }
                    el("div", .css("field")) {
                        el("label", .at(.for, "name"), text: "Your name, for the audit log")
                        void(
                            "input", .at(.id, "name"), .at(.name, "name"), .at(.autocomplete, "username"),
                            .at(.maxlength, 128), .at(.pattern, "[A-Za-z0-9._@:\\-]+"),
                            .at(.ariaDescribedBy, "name-hint"))
                        el(
                            "p", .css("hint"), .at(.id, "name-hint"),
                            text:
                                "Only with the aggregator's own token: other tokens have the name of whom they are for."
                        )
                    }
                    el("button", .css("main"), text: "Sign in")
                }
            })
        return page
    }

    private func signIn(_ request: Request, _ context: AdminContext) async throws -> Response {
        let fields = try await fields(of: request)
        guard let token = fields["token"] else {
            throw AdminError(.unauthorized, "the admin token is missing")
        }
        let actor = try await routes.access.actor(
            showing: token, calledBy: fields["name"], at: address(of: request, context))
        guard Subject.isValidID(actor.name) else {
            throw AdminError(.invalidField, "that cannot be a name", hint: "use 1 to 128 of A-Z a-z 0-9 . _ @ : -")
        }
        let (id, _) = sessions.open(for: actor, hasShownToken: true, atMs: routes.nowMs())
        let target = fields["to"].flatMap { PageAddress($0) } ?? PageAddress(.overview)
        var response = seeOther(target)
        response.headers[.setCookie] = Self.cookie(id, for: request, maxAge: Session.longestMs / 1000)
        return response
    }

    private func address(of request: Request, _ context: AdminContext) -> String {
        context.address(request, trusting: routes.configuration.trustedProxies)
    }

    /// Who comes, by the cookie. Where no token is asked for everybody is let in, with a session for the forms' sake.
    func entry(
        _ request: Request, _ context: AdminContext
    ) async throws -> (session: Session?, newCookie: String?) {
        let now = routes.nowMs()
        if let id = request.cookies[Self.cookieName(request)]?.value, var session = sessions.session(id, atMs: now) {
            if let actor = try await actor(of: session) {
                session.actor = actor
                session.actor.address = address(of: request, context)
                return (session, nil)
            }
            sessions.close(id)
        }
        guard let actor = try await unasked(at: address(of: request, context)) else { return (nil, nil) }
        let (id, session) = sessions.open(for: actor, hasShownToken: false, atMs: now)
        return (session, Self.cookie(id, for: request, maxAge: Session.longestMs / 1000))
    }

    /// Who acts in the session, as things are now: a token that was revoked, or has ended, ends its sessions, and so does the
    /// first token those that were opened without one. Nil: nobody any more.
    func actor(of session: Session) async throws -> AdminActor? {
        guard session.hasShownToken else { return try await unasked(at: session.actor.address) }
        do {
            return try await routes.access.renewed(session.actor)
        } catch let error as AdminError where error.code == .unauthorized {
            return nil
        }
    }

    /// Whoever comes where no token is asked for; nil: one is.
    private func unasked(at address: String) async throws -> AdminActor? {
        do {
            return try await routes.access.actor(showing: nil, calledBy: nil, at: address)
        } catch let error as AdminError where error.code == .unauthorized {
            return nil
        }
    }

    /// Browsers give a cookie to every port of a host, and several Weirs may run on one.
    static func cookieName(_ request: Request) -> String {
        let authority = request.head.authority ?? ""
        let port = authority.split(separator: ":").last.flatMap { UInt16($0) }
        return "weir_session" + (port.map { "_\($0)" } ?? "")
    }

    /// Not to be read by scripts nor sent along from other sites; over https only if that is how the page was asked for,
    /// which the browser itself says with every form.
    private static func cookie(_ value: String, for request: Request, maxAge: Int) -> String {
        let isSecure = request.headers[.origin]?.hasPrefix("https://") ?? false
        return "\(cookieName(request))=\(value); Path=/; Max-Age=\(maxAge); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }
}
