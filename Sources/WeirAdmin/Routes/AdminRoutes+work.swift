import Hummingbird
import WeirCore

extension AdminRoutes {
    var workRoutes: [AdminRoute] {
        [
            .get(
                "work/{id}", "How far a request has come that was given this id by `work`, while it runs",
                answer: WorkDescription.self
            ) { _, context in
                let id = try parameter("id", context)
                guard let place = work.place(of: id) else {
                    throw AdminError(
                        .notFound, "no such request runs here", hint: "it has not begun, or has ended already")
                }
                return try answer(WorkDescription(done: place.done, total: place.total))
            }
        ]
    }

    /// Of every request that may take long.
    static let workParameter = AdminParameter(
        "work", .id, "An id of your own, under which `GET work/{id}` tells how far the request is.")
}
