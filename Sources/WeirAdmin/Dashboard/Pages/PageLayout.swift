import WeirLedger

/// What is around every page: navigation, who is signed in, the theme.
struct PageLayout: Sendable {
    let page: Page
    /// Nil: nobody has signed in.
    let session: Session?
    /// `light`, `dark`; nil: as the system has it.
    let theme: String?
    let notice: Notice?

    var html: HTML {
        .document(
            .element("html", [.at(.lang, "en")] + (theme.map { [.at(.dataTheme, $0)] } ?? []), head + content))
    }

    private var head: HTML {
        el("head") {
            void("meta", .at(.charset, "utf-8"))
            void("meta", .at(.name, "viewport"), .at(.content, "width=device-width, initial-scale=1"))
            void("meta", .at(.name, "color-scheme"), .at(.content, "light dark"))
            el("title", text: "\(page.title) · Weir")
            void("link", .at(.rel, "stylesheet"), .href(Asset.style.address))
            void("link", .at(.rel, "icon"), .href(Asset.icon.address), .at(.type, "image/svg+xml"))
            if let seconds = page.refreshSeconds {
                el("noscript") { void("meta", .at(.httpEquiv, "refresh"), .at(.content, "\(seconds)")) }
            }
        }
    }

    private var content: HTML {
        el("body") {
            el("a", .css("skip"), .fragment("main"), text: "Skip to the content")
            top
            el("main", .at(.id, "main"), .at(.tabindex, -1)) {
                if let notice {
                    el("div", .css("notice"), .at(.role, "status")) { el("p", text: notice.text) }
                }
                page.content
            }
            el("footer") {
                el("p") { "All times are UTC, and days, weeks and months begin by it. Money is US dollars." }
            }
            el("script", .src(Asset.script.address)) { .empty }
        }
    }

    private var top: HTML {
        el("header", .css("top")) {
            el("div") {
                el("a", .css("brand"), .href(PageAddress(.overview))) {
                    mark
                    "Weir"
                }
                if let session { navigation(session.actor.role) }
                el("div", .css("who")) {
                    el(
                        "button", .at(.type, "button"), .css("small"), .at(.dataTheme, ""), .mark(.hidden),
                        text: "Theme")
                    if let session { signedIn(session) }
                }
            }
        }
    }

    private func navigation(_ role: AdminRole) -> HTML {
        el("nav", .at(.ariaLabel, "Pages")) {
            for section in Page.Section.allCases where role >= section.role {
                if section == page.section {
                    el(
                        "a", .href(PageAddress(section.page)), .at(.ariaCurrent, "page"), text: section.rawValue)
                } else {
                    el("a", .href(PageAddress(section.page)), text: section.rawValue)
                }
            }
        }
    }

    private func signedIn(_ session: Session) -> HTML {
        el("span", .css("name")) {
            session.actor.name
            " "
            el("span", .css("tag"), text: session.actor.role.rawValue)
        }
            + (session.hasShownToken
                ? PostForm(PageAddress(.signOut), session).html {
                    el("button", .css("small"), text: "Sign out")
                } : .empty)
    }

    private var mark: HTML {
        el("svg", .at(.viewBox, "0 0 24 24"), .at(.ariaHidden, "true"), .at(.focusable, "false")) {
            void("path", .at(.d, "M2 8q3-3 6 0t6 0 6 0"))
            void("path", .at(.d, "M4 13v7M9 13v7M14 13v7M19 13v7"))
        }
    }
}

/// A form that changes something: it carries the session's token, without which it is refused.
struct PostForm: Sendable {
    static let tokenField = "form_token"

    private let address: PageAddress
    private let session: Session

    init(_ address: PageAddress, _ session: Session) {
        self.address = address
        self.session = session
    }

    func html(@HTMLBuilder _ content: () -> HTML) -> HTML {
        el("form", .at(.method, "post"), .action(address)) {
            void("input", .at(.type, "hidden"), .at(.name, Self.tokenField), .at(.value, session.formToken))
            content()
        }
    }
}

/// What is said above a page after something was done. Named in the address, so only these can be said.
enum Notice: String, Sendable, CaseIterable {
    case switchThrown = "switch-thrown"
    case switchOff = "switch-off"
    case overrideSet = "override-set"
    case overrideRemoved = "override-removed"
    case limitedAdded = "limited-added"
    case limitedRemoved = "limited-removed"
    case keyRevoked = "key-revoked"
    case tokenRevoked = "token-revoked"
    case policyApplied = "policy-applied"
    case signedOut = "signed-out"

    /// The field of the address.
    static let field = "done"

    var text: String {
        switch self {
        case .switchThrown: "The kill switch is thrown. Every node obeys within a second."
        case .switchOff: "The kill switch is off. Calls pass again within a second."
        case .overrideSet: "The amount is set. Every node obeys it within a second; what was used stays used."
        case .overrideRemoved: "The amount is what the policy says again."
        case .limitedAdded: "The team is limited now."
        case .limitedRemoved: "The team is no longer limited."
        case .tokenRevoked: "The admin token is revoked. It is refused from now on."
        case .keyRevoked: "The key is revoked. Every node refuses it within a second."
        case .policyApplied: "The policy is applied. Every node obeys it within a second."
        case .signedOut: "You are signed out."
        }
    }
}
