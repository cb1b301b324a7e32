import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// JSON to an address of the operator's: a webhook, a collector.
enum OutgoingPost {
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        // An address that the operator named may not send what is for it to another one.
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(10))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 4
        configuration.decompression = .disabled
        // As long as the process.
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }()

    /// Of the answer only the status is read. At most ten seconds.
    static func send(_ json: [UInt8], to url: String, headers: [String: String]) async throws -> Int {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = ["content-type": "application/json", "user-agent": "weir"]
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: json))
        return Int(try await http.execute(request, timeout: .seconds(10)).status.code)
    }
}
