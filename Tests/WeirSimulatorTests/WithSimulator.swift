import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Testing

@testable import WeirSimulator

/// Runs `body` against a simulator on a free port, and stops it afterwards.
func withSimulator(
    logCapacity: Int = 10_000, _ body: (Simulator) async throws -> Void
) async throws {
    let simulator = Simulator(
        configuration: SimulatorConfiguration(logCapacity: logCapacity), logger: Logger(label: "simulator"))
    _ = try await simulator.start()
    do {
        try await body(simulator)
    } catch {
        try await simulator.stop()
        throw error
    }
    try await simulator.stop()
}

/// One answer as a client saw it.
struct Seen {
    var status: Int
    var headers: [String: String]
    var text: String

    /// The body as a JSON object.
    var json: [String: Any] {
        get throws { try object(text) }
    }

    /// The events of a stream: name (empty in OpenAI's chat streams) and data, which is `[DONE]` or JSON.
    var events: [(name: String, data: [String: Any])] {
        get throws {
            try text.components(separatedBy: "\n\n").filter { !$0.isEmpty && $0 != "data: [DONE]" }.map { event in
                let lines = event.components(separatedBy: "\n")
                let name = lines.first { $0.hasPrefix("event: ") }.map { String($0.dropFirst(7)) } ?? ""
                let data = try #require(lines.first { $0.hasPrefix("data: ") })
                return (name, try object(String(data.dropFirst(6))))
            }
        }
    }
}

func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}

extension Simulator {
    /// A whole exchange. `simulate` becomes the `x-simulate` header.
    func send(
        _ path: String, _ json: String? = nil, simulate: String? = nil, key: (name: String, value: String)? = nil,
        method: String? = nil
    ) async throws -> Seen {
        let response = try await HTTPClient.shared.execute(
            request(path, json, simulate: simulate, key: key, method: method), timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 64 << 20)
        var headers: [String: String] = [:]
        for (name, value) in response.headers { headers[name.lowercased()] = value }
        return Seen(status: Int(response.status.code), headers: headers, text: String(buffer: body))
    }

    func request(
        _ path: String, _ json: String?, simulate: String? = nil, key: (name: String, value: String)? = nil,
        method: String? = nil
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method ?? (json == nil ? "GET" : "POST"))
        let isAnthropic = path.hasPrefix("/v1/messages")
        let key = key ?? (isAnthropic ? ("x-api-key", "sk-test") : ("authorization", "Bearer sk-test"))
        if !key.name.isEmpty { request.headers.add(name: key.name, value: key.value) }
        if let simulate { request.headers.add(name: "x-simulate", value: simulate) }
        if let json {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: json))
        }
        return request
    }

    /// Waits until the newest call has ended, and returns it.
    func lastCall() async throws -> SimulatedCall {
        for _ in 0..<2000 {
            if let call = log().last, call.outcome != .open { return call }
            try await Task.sleep(for: .milliseconds(5))
        }
        return try #require(nil as SimulatedCall?, "the newest call did not end: \(log().suffix(1))")
    }
}

/// The smallest requests of each endpoint that makes text.
enum Request {
    static let messages = #"{"model":"claude-sonnet-4","max_tokens":1000,"messages":[{"role":"user","content":"hi"}]}"#
    static let messagesStream =
        #"{"model":"claude-sonnet-4","max_tokens":1000,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#
    static let chat = #"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#
    static let chatStream = #"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}"#
    static let responses = #"{"model":"gpt-4o","input":"hi"}"#
    static let responsesStream = #"{"model":"gpt-4o","input":"hi","stream":true}"#
}

extension [String: Any] {
    /// The value under a path such as `"usage.output_tokens"`; array indexes are numbers.
    func at<T>(_ path: String, as type: T.Type = T.self) throws -> T {
        var value: Any? = self
        for part in path.split(separator: ".") {
            if let index = Int(part) {
                let array = value as? [Any]
                value = array.flatMap { index < $0.count ? $0[index] : nil }
            } else {
                value = (value as? [String: Any])?[String(part)]
            }
        }
        return try #require(value as? T, "\(path) in \(self)")
    }
}
