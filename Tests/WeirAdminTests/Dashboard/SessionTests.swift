import Testing
import WeirLedger

@testable import WeirAdmin

@Suite struct SessionTests {
    private let actor = AdminActor(name: "ada", role: .admin, address: "local")

    @Test func `a session ends when nobody uses it, and in any case in the end`() {
        let store = SessionStore()
        let (id, _) = store.open(for: actor, hasShownToken: true, atMs: 0)
        #expect(store.session(id, atMs: Session.idleMs - 1) != nil)
        #expect(store.session(id, atMs: 2 * Session.idleMs - 2) != nil, "using it begins the idle time anew")
        #expect(store.session(id, atMs: 3 * Session.idleMs - 2) == nil)

        let (busy, _) = store.open(for: actor, hasShownToken: true, atMs: 0)
        for atMs in stride(from: 0, to: Session.longestMs, by: Session.idleMs / 2) {
            #expect(store.session(busy, atMs: atMs) != nil)
        }
        #expect(store.session(busy, atMs: Session.longestMs) == nil)
    }

    @Test func `looking whether it is open does not prolong it`() {
        let store = SessionStore()
        let (id, _) = store.open(for: actor, hasShownToken: true, atMs: 0)
        #expect(store.isOpen(id, atMs: Session.idleMs - 1))
        #expect(!store.isOpen(id, atMs: Session.idleMs))
    }

    @Test func `ids and form tokens are long, different, and of one session`() {
        let store = SessionStore()
        let (one, first) = store.open(for: actor, hasShownToken: true, atMs: 0)
        let (two, second) = store.open(for: actor, hasShownToken: true, atMs: 0)
        #expect(one.count == 64 && one != two && first.formToken != second.formToken && first.formToken != one)
        store.close(one)
        #expect(store.session(one, atMs: 1) == nil && store.session(two, atMs: 1) != nil)
        #expect(store.session("", atMs: 1) == nil)
    }

    @Test func `there are never more than a bound; whoever looked away for longest has to sign in again`() {
        let store = SessionStore()
        let ids = (0..<SessionStore.most).map { store.open(for: actor, hasShownToken: true, atMs: $0).id }
        _ = store.session(ids[0], atMs: 5000)
        _ = store.open(for: actor, hasShownToken: true, atMs: 5001)
        #expect(store.session(ids[0], atMs: 5002) != nil)
        #expect(store.session(ids[1], atMs: 5002) == nil)
    }

    @Test func `what is live has a bounded number of listeners, and ends with all of them`() async {
        let feed = LiveFeed()
        var streams = (0..<LiveFeed.mostListeners).compactMap { _ in feed.listen() }
        #expect(streams.count == LiveFeed.mostListeners && feed.listen() == nil)
        feed.end()
        for stream in streams { for await _ in stream {} }
        streams = []
        #expect(feed.listenerCount == 0 && feed.listen() == nil)
    }
}
