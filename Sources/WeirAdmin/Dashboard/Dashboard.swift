import Hummingbird
import Logging
import NIOCore
import WeirCore
import WeirLedger
import WeirProviders

/// The pages at `/`: what they read, and the routes that they are served by.
struct Dashboard: Sendable {
    /// The admin API's own: what decides who may do what, and does it.
    let routes: AdminRoutes
    let api: InnerAPI
    let feed: LiveFeed
    let sessions = SessionStore()
    let jobs = JobStore()
    /// By method and path, as the admin API has it.
    private let roles: [String: AdminRole]

    init(_ routes: AdminRoutes) {
        var roles: [String: AdminRole] = [:]
        for route in routes.routes { roles["\(route.method) \(route.path)"] = route.role }
        self.roles = roles
        self.routes = routes
        api = InnerAPI(routes)
        feed = LiveFeed()
    }

    var ledger: any AdminLedger { routes.ledger }
    var publication: Publication { routes.publication }

    /// Whether the route would be open to whoever looks: what they may not do, they are not offered.
    func may(_ visit: Visit, _ method: HTTPRequest.Method, _ path: String) -> Bool {
        roles["\(method) \(path)"].map { visit.role >= $0 } ?? false
    }

    /// Reads what is live, until the task is cancelled.
    func run() async { await feed.run { await live(&$0) } }

    func add(to router: Router<AdminContext>) {
        for asset in Asset.allCases { router.get(RouterPath(asset.path)) { _, _ in asset.response } }
        addSignIn(to: router)
        addLive(to: router)
        page(.overview, to: router) { try await overview($0) }
        page(.teams, to: router) { try await teams($0) }
        page(.team, to: router) { try await team($0) }
        page(.users, to: router) { try await users($0) }
        page(.user, to: router) { try await user($0) }
        page(.limited, to: router) { try await limited($0) }
        page(.events, to: router) { try await events($0) }
        page(.event, to: router) { try await event($0) }
        page(.policy, to: router) { try await policy($0) }
        page(.policyVersion, to: router) { try await policyVersion($0) }
        page(.policyTry, to: router) { try await policyForm($0) }
        page(.job, to: router) { try await job($0) }
        page(.prices, to: router) { try await prices($0) }
        page(.audit, to: router) { try await audit($0) }
        page(.tokens, to: router) { try await adminTokens($0) }
        page(.killSwitch, to: router) { try await killSwitchForm($0) }
        form(.killSwitch, to: router) { try await changeKillSwitch($0, $1) }
        form(.override, to: router) { try await changeOverride($0, $1) }
        form(.limited, to: router) { try await changeLimited($0, $1) }
        form(.keys, to: router) { try await changeKey($0, $1) }
        form(.tokens, to: router) { try await changeAdminToken($0, $1) }
        form(.policyTry, to: router) { try await tryPolicy($0, $1) }
        form(.policy, to: router) { try await applyPolicy($0, $1) }
        addEventExport(to: router)
    }

    // MARK: Pages

    private func page(
        _ place: PageAddress.Page, to router: Router<AdminContext>,
        _ make: @escaping @Sendable (Visit) async throws -> Page
    ) {
        router.get(RouterPath(place.rawValue)) { request, context in
            try await answered(request, context) { visit in
                let page = try await make(visit)
                guard let id = visit.query["table"] else { return response(page, visit) }
                guard let table = page.tables.first(where: { $0.id == id && $0.isExportedHere }) else {
                    throw AdminError(.notFound, "this page has no table \"\(id.prefix(60))\"")
                }
                return try handedOut(table, as: visit.query["as"])
            }
        }
    }

    /// What a form leads to.
    enum Outcome: Sendable {
        /// Elsewhere, where it is said that it was done.
        case done(PageAddress, Notice?)
        case page(Page)
    }

    private func form(
        _ place: PageAddress.Page, to router: Router<AdminContext>,
        _ perform: @escaping @Sendable (Visit, FormFields) async throws -> Outcome
    ) {
        router.post(RouterPath(place.rawValue)) { request, context in
            try await answered(request, context) { visit in
                let fields = try await submitted(request, by: visit.session)
                switch try await perform(visit, fields) {
                case .done(let address, let notice): return seeOther(address.with(Notice.field, notice?.rawValue))
                case .page(let page): return response(page, visit)
                }
            }
        }
    }

    /// The fields of a form that one of our pages has sent in this session.
    func submitted(_ request: Request, by session: Session) async throws -> FormFields {
        let fields = try await fields(of: request)
        guard let token = fields.whole(PostForm.tokenField), isSameSecret(token, session.formToken) else {
            throw AdminError(
                .forbidden, "the form is of another session", hint: "go back, reload the page, and send it again")
        }
        return fields
    }

    /// The fields of a form that a page of this origin has sent: browsers say so with every form.
    func fields(of request: Request) async throws -> FormFields {
        guard request.headers[.origin] != nil else {
            // That it is this origin, if it is said, was checked for every request.
            throw AdminError(.forbidden, "the request does not say which page it comes from (Origin)")
        }
        let type = request.headers[.contentType]?.split(separator: ";").first?.lowercased()
        guard type == "application/x-www-form-urlencoded" else {
            throw AdminError(.unsupportedMediaType, "the body must be a form's")
        }
        let body = try await request.collected(upTo: routes.configuration.largestBodyBytes * 3)
        guard let text = String(validating: body.readableBytesView, as: UTF8.self), let fields = FormFields(text) else {
            throw AdminError(.invalidRequest, "the form cannot be read")
        }
        return fields
    }

    /// Answers somebody who has signed in; asks all others to. What goes wrong is told on a page.
    func answered(
        _ request: Request, _ context: AdminContext, _ make: (Visit) async throws -> Response
    ) async throws -> Response {
        let query = FormFields(request.uri.query ?? "") ?? FormFields("")
        guard let query else { throw AdminError(.failed, "an empty query cannot be read") }
        let entry = try await entry(request, context)
        guard let session = entry.session else {
            // A form cannot be repeated after signing in, and nor can what a script asks.
            let wanted = request.method == .get ? PageAddress(request.head.path ?? "/") : nil
            return seeOther(PageAddress(.signIn, ["to": wanted.flatMap { $0.page == .overview ? nil : $0.text }]))
        }
        let visit = Visit(
            request: request, context: context, session: session, query: query, nowMs: routes.nowMs())
        var response: Response
        do {
            response = try await make(visit)
        } catch {
            response = self.response(errorPage(told(error), visit), visit)
        }
        if let cookie = entry.newCookie { response.headers[.setCookie] = cookie }
        return response
    }

    /// In the words of the admin API.
    func told(_ error: any Error) -> AdminError { ErrorMiddleware(routes: routes.routes).answer(to: error, "") }

    private func errorPage(_ error: AdminError, _ visit: Visit) -> Page {
        var page = Page("That did not work", nil, PageAddress(.overview))
        page.status = error.code.status.code
        page.addHeading()
        page.add(ProblemBox(error).html)
        if let key = error.key { page.add(SecretBox("key", key.key).html) }
        page.add(
            el("p") {
                el("a", .href(PageAddress(.overview)), text: "To the overview")
                ", or back with your browser: what you have typed is still there."
            })
        return page
    }

    func response(_ page: Page, _ visit: Visit) -> Response {
        response(page, session: visit.session, visit.request, visit.query)
    }

    func response(_ page: Page, session: Session?, _ request: Request, _ query: FormFields?) -> Response {
        let theme = request.cookies["weir_theme"]?.value
        let layout = PageLayout(
            page: page, session: session, theme: ["light", "dark"].contains(theme) ? theme : nil,
            notice: query?[Notice.field].flatMap { Notice(rawValue: $0) })
        return Response(
            status: .init(code: page.status), headers: pageHeaders,
            body: ResponseBody(byteBuffer: ByteBuffer(string: layout.html.markup)))
    }

    func seeOther(_ address: PageAddress) -> Response {
        var headers = pageHeaders
        headers[.location] = address.text
        return Response(status: .seeOther, headers: headers)
    }

    private func handedOut(_ table: DataTable, as name: String?) throws -> Response {
        guard let form = DataTable.Form(rawValue: name ?? "") else {
            throw AdminError(.invalidField, "as says in which form", hint: "use as=csv or as=json")
        }
        var headers = pageHeaders
        headers[.contentType] = form.contentType
        headers[.contentDisposition] = "attachment; filename=\"weir-\(table.id).\(form.rawValue)\""
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: table.exported(as: form))))
    }
}

/// What went wrong, and what to do.
struct ProblemBox: Sendable {
    let error: AdminError

    init(_ error: AdminError) { self.error = error }

    var html: HTML {
        el("div", .css("notice problem"), .at(.role, "alert")) {
            el("p", text: error.message + ".")
            if let hint = error.hint { el("p", text: hint + ".") }
            if !error.policyErrors.isEmpty {
                el("ul", .css("error-list")) {
                    for mistake in error.policyErrors { el("li", .css("mono"), text: mistake.description) }
                }
            }
        }
    }
}
