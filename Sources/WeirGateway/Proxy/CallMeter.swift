import NIOCore
import NIOHTTP1
import WeirCore

struct CallMeter {
    var keepsLength: Bool { true }
    mutating func begin(status: Int, headers: HTTPHeaders) {}
    mutating func observe(_ bytes: ByteBuffer) -> ByteBuffer? { bytes }
    mutating func end() -> ByteBuffer? { nil }
    func charge(_ charge: CallLife.Charge, to event: inout UsageEvent) {}
}
