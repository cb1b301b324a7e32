import Foundation
import Logging
import WeirTelemetry

/// A collector of spans that takes OTLP over HTTP.
struct OTLPEndpoint: Sendable {
    /// Of the traces: what was given, and `/v1/traces`.
    let url: String

    init(_ text: String) throws(SettingError) {
        guard let given = URL(string: text), let scheme = given.scheme, ["http", "https"].contains(scheme),
            let host = given.host, !host.isEmpty, given.query == nil, given.fragment == nil, given.user == nil
        else {
            throw SettingError(description: "--otlp-endpoint: \(text) is not an address such as http://127.0.0.1:4318")
        }
        url = (text.hasSuffix("/") ? String(text.dropLast()) : text) + "/v1/traces"
    }

    private struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    func exporter(service: String, _ metrics: MetricsRegistry, _ logger: Logger) -> SpanExporter {
        SpanExporter(service: service, metrics: metrics, logger: logger) { [url] body in
            let status = try await OutgoingPost.send(body, to: url, headers: [:])
            guard (200..<300).contains(status) else {
                throw Refused(description: "the collector answered \(status)")
            }
        }
    }
}
