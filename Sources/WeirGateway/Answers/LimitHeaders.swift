import NIOHTTP1
import WeirCore

/// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10) of an admitted call: the one limit of
/// which the smallest share is left.
enum LimitHeaders {
    static func add(for reservation: Reservation, to headers: inout HTTPHeaders) {
        guard let tightest = tightest(of: reservation.allHolds) else { return }
        let seconds = max(tightest.resetsInMs / 1000, 0)
        headers.add(name: "ratelimit-policy", value: "\"\(tightest.limit)\";q=\(tightest.amount)")
        headers.add(name: "ratelimit", value: "\"\(tightest.limit)\";r=\(max(tightest.remaining, 0));t=\(seconds)")
    }

    private static func tightest(of holds: [Reservation.Hold]) -> Reservation.Hold? {
        var tightest: Reservation.Hold?
        for hold in holds where hold.amount > 0 && hold.isCharged {
            guard let least = tightest else {
                tightest = hold
                continue
            }
            // hold.remaining / hold.amount < least.remaining / least.amount, in whole numbers of any size.
            let left = max(hold.remaining, 0).magnitude.multipliedFullWidth(by: least.amount.magnitude)
            let right = max(least.remaining, 0).magnitude.multipliedFullWidth(by: hold.amount.magnitude)
            if (left.high, left.low) < (right.high, right.low) { tightest = hold }
        }
        return tightest
    }
}
