import Foundation

/// What became of one call of the demo.
struct DemoAnswer: Sendable, CustomStringConvertible {
    let status: Int
    /// `weir-model`: the model that served a call that asked for none in particular.
    let model: String?
    /// Of a denial.
    let reason: String?
    let message: String?

    private struct Denied: Decodable {
        struct Weir: Decodable { let reason: String }
        struct Content: Decodable { let message: String }
        let weir: Weir
        let error: Content
    }

    init(status: Int, model: String? = nil, body: Data) {
        (self.status, self.model) = (status, model)
        // An error of the provider's own is no denial: it has a status, and neither reason nor limit.
        let denied = status == 200 ? nil : try? JSONDecoder().decode(Denied.self, from: body)
        reason = denied?.weir.reason
        message = denied?.error.message
    }

    var isAdmitted: Bool { status == 200 }

    var description: String {
        if isAdmitted { return "admitted" }
        return "denied, \(status) \(reason ?? "by the provider")\(message.map { ": " + $0 } ?? "")"
    }
}

/// How many were admitted and denied, and why.
struct DemoTally: Sendable, CustomStringConvertible {
    private var admitted = 0
    private var denied: [String: Int] = [:]
    private var first: DemoAnswer?

    mutating func add(_ answer: DemoAnswer) {
        if answer.isAdmitted {
            admitted += 1
        } else {
            denied[answer.reason ?? "status \(answer.status)", default: 0] += 1
            first = first ?? answer
        }
    }

    var description: String {
        let count = denied.values.reduce(0, +)
        let reasons = denied.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", ")
        return "\(admitted) admitted, \(count) denied" + (count > 0 ? " (\(reasons))" : "")
    }

    func sayFirstDenial() { if let first { say("   For example: \(first)") } }
}
