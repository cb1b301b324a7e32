import Foundation
import NIOCore
import NIOHTTP1
import WeirTelemetry

/// Turns a request into an ``Answer`` and opens its entry in the log.
struct Responder: Sendable {
    let log: CallLog
    let metrics: SimulatorMetrics

    func answer(_ head: HTTPRequestHead, body: ByteBuffer, isTooLarge: Bool) -> Answer {
        let path = head.uri.prefix { $0 != "?" }
        switch path {
        case "/healthz": return Self.healthy
        case "/metrics": return exposition
        case "/log": return logAnswer(head, query: head.uri.dropFirst(path.count + 1))
        default:
            return call(
                head, path: path, query: head.uri.dropFirst(path.count + 1), body: body, isTooLarge: isTooLarge)
        }
    }

    private func call(
        _ head: HTTPRequestHead, path: Substring, query: Substring, body: ByteBuffer, isTooLarge: Bool
    ) -> Answer {
        let endpoint = Endpoint(path: path)
        let caller = CallerHeaders(head.headers)
        let dialect = endpoint.dialect ?? (path.hasPrefix("/v1beta/") ? .gemini : caller.dialect)
        var answer = answer(
            head, endpoint, dialect, caller, path: path, query: query, body: body, isTooLarge: isTooLarge)
        answer.place = SimulatorMetrics.Place(endpoint: endpoint, dialect: dialect)
        return answer
    }

    private func answer(
        _ head: HTTPRequestHead, _ endpoint: Endpoint, _ dialect: Endpoint.Dialect, _ caller: CallerHeaders,
        path: Substring, query: Substring, body: ByteBuffer, isTooLarge: Bool
    ) -> Answer {
        let key = (dialect == .gemini ? Self.key(in: query) : nil) ?? caller.key(dialect)
        let nowMs = Int64(Date().timeIntervalSince1970 * 1000)
        let id = log.begin(
            CallLog.Arrival(
                key: key ?? "", endpoint: String(path.prefix(256)), headers: head.headers, request: caller.requestID,
                calledAtMs: nowMs))

        func refusal(_ status: Int, _ message: String, parameter: String? = nil) -> Answer {
            Self.refusal(dialect, id, status, message, parameter: parameter)
        }
        guard key != nil else {
            return refusal(401, "No API key: send x-api-key, x-goog-api-key or Authorization: Bearer.")
        }
        guard endpoint != .unknown else { return refusal(404, "Nothing is served at \(path.prefix(256)).") }
        guard head.method == (endpoint == .models ? .GET : .POST) else {
            return refusal(405, "\(head.method.rawValue) is not served at \(path).")
        }
        guard !isTooLarge else { return refusal(413, "The body is larger than \(CallHandler.bodyBound) bytes.") }
        do {
            let instructions =
                if let header = caller.simulate { try Instructions(header: header) } else { Instructions() }
            guard endpoint != .models else { return listOfModels(dialect, id, instructions) }
            var request = try CallRequest(body)
            if let gemini = GeminiPath(path) {
                request.model = String(gemini.model)
                request.isStream = gemini.action == "streamGenerateContent"
            }
            log.identify(
                id, model: String((request.model ?? "").prefix(256)), isStream: request.isStream && endpoint.canStream)
            var plan = try CallPlan(
                endpoint: endpoint, request: request, bodyBytes: body.readableBytes, instructions: instructions)
            guard plan.isStream || (instructions.endAfter == nil && instructions.errorAfter == nil) else {
                return refusal(400, "x-simulate: end-after and error-after need a stream")
            }
            plan.isArray = plan.isStream && dialect == .gemini && !query.split(separator: "&").contains("alt=sse")
            plan.id = id
            plan.created = Int(nowMs / 1000)
            return planned(plan, dialect, instructions)
        } catch let fault as Instructions.Fault {
            return refusal(400, fault.message)
        } catch let fault as CallRequest.Fault {
            return refusal(400, fault.message, parameter: fault.parameter)
        } catch {
            return refusal(500, "\(error)")
        }
    }

    private func listOfModels(_ dialect: Endpoint.Dialect, _ id: Int, _ instructions: Instructions) -> Answer {
        if instructions.status != nil { return Self.toldError(dialect, id, instructions) }
        var body = ByteBuffer()
        SmallAnswers.models(dialect, into: &body)
        return Self.timed(Self.json(200, dialect, id, body), instructions)
    }

    private func planned(_ plan: CallPlan, _ dialect: Endpoint.Dialect, _ instructions: Instructions) -> Answer {
        if instructions.status != nil { return Self.toldError(dialect, plan.id, instructions) }
        var answer: Answer
        if plan.isStream, let format = plan.isArray ? GeminiArray.self : plan.endpoint.format {
            let type = plan.isArray ? "application/json; charset=UTF-8" : "text/event-stream; charset=utf-8"
            answer = Answer(status: .ok, contentType: type, body: .events(format))
            answer.headers.add(name: "cache-control", value: "no-cache")
            answer.headers.add(name: Self.requestIDName(dialect), value: Self.requestID(plan.id))
            answer.id = plan.id
        } else {
            var body = ByteBuffer()
            body.reserveCapacity(1024)
            switch plan.endpoint {
            case .countTokens: SmallAnswers.tokenCount(plan, into: &body)
            case .countContentTokens: SmallAnswers.contentTokenCount(plan, into: &body)
            case .embeddings: SmallAnswers.embeddings(plan, into: &body)
            case .messages, .chatCompletions, .responses, .generateContent, .models, .unknown:
                plan.endpoint.format?.whole(plan, into: &body)
            }
            answer = Self.json(200, dialect, plan.id, body)
        }
        // Counting tokens is free.
        answer.plan = plan.endpoint == .countTokens || plan.endpoint == .countContentTokens ? nil : plan
        return Self.timed(answer, instructions)
    }

    /// The error that `status=` asks for.
    private static func toldError(_ dialect: Endpoint.Dialect, _ id: Int, _ instructions: Instructions) -> Answer {
        let status = instructions.status ?? 500
        var answer = refusal(dialect, id, status, "Simulated status \(status).")
        if (300..<400).contains(status) { answer.headers.add(name: "location", value: "/healthz") }
        return timed(answer, instructions)
    }

    private static func refusal(
        _ dialect: Endpoint.Dialect, _ id: Int, _ status: Int, _ message: String, parameter: String? = nil
    ) -> Answer {
        let body = ErrorAnswer.body(dialect, status: status, message: message, parameter: parameter, id: id)
        return json(status, dialect, id, body)
    }

    private static func json(_ status: Int, _ dialect: Endpoint.Dialect, _ id: Int, _ body: ByteBuffer) -> Answer {
        var answer = Answer(
            status: HTTPResponseStatus(statusCode: status), contentType: "application/json", body: .whole(body))
        answer.headers.add(name: requestIDName(dialect), value: requestID(id))
        answer.id = id
        return answer
    }

    private static func timed(_ answer: Answer, _ instructions: Instructions) -> Answer {
        var answer = answer
        let delay = TimeAmount.milliseconds(Int64(instructions.delayMs))
        answer.headDelay = .milliseconds(Int64(instructions.headDelayMs))
        if case .events = answer.body { answer.chunkDelay = delay } else { answer.headDelay = answer.headDelay + delay }
        if let seconds = instructions.retryAfter {
            answer.headers.add(name: "retry-after", value: String(seconds))
        }
        var faults: [(after: Int?, kind: Answer.Fault)] = [
            (instructions.hangAfter, .hang), (instructions.resetAfter, .reset),
        ]
        if case .events = answer.body {
            faults += [(instructions.endAfter, .end), (instructions.errorAfter, .error)]
        }
        for case (let after?, let kind) in faults where after < answer.fault?.after ?? .max {
            answer.fault = (after, kind)
        }
        answer.split = instructions.split
        return answer
    }

    private func logAnswer(_ head: HTTPRequestHead, query: Substring) -> Answer {
        if head.method == .DELETE {
            log.clear()
            return Answer(status: .noContent, contentType: "text/plain", body: .whole(ByteBuffer()))
        }
        let fields = query.split(separator: "&")
        let from = fields.first { $0.hasPrefix("from=") }.flatMap { Int($0.dropFirst(5)) } ?? 1
        var answer = Answer(
            status: .ok, contentType: "application/x-ndjson",
            body: .log(from: from, onlyOpen: fields.contains("state=open")))
        answer.headers.add(name: "weir-simulator-dropped", value: String(log.dropped))
        return answer
    }

    private var exposition: Answer {
        Answer(
            status: .ok, contentType: MetricsRegistry.contentType,
            body: .whole(ByteBuffer(string: metrics.registry.exposition())))
    }

    private static let healthy = Answer(
        status: .ok, contentType: "text/plain", body: .whole(ByteBuffer(string: "ok\n")))

    /// Google takes a key from the query, too; one that a gateway forgot to take out would be logged as the call's.
    private static func key(in query: Substring) -> String? {
        query.split(separator: "&").first { $0.hasPrefix("key=") }.map { String($0.dropFirst("key=".count)) }
    }

    private static func requestIDName(_ dialect: Endpoint.Dialect) -> String {
        dialect == .anthropic ? "request-id" : "x-request-id"
    }

    private static func requestID(_ id: Int) -> String {
        var buffer = ByteBuffer()
        buffer.writeID("req_", id)
        return String(buffer: buffer)
    }
}
