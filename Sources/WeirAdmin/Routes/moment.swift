import WeirCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Milliseconds since 1970 of an RFC 3339 moment in the years 1970 to 9999; nil for anything else.
func moment(_ text: String) -> Int? {
    // The parser also takes other forms of ISO 8601, days and hours that there are not, and years beyond.
    let bytes = Array(text.utf8)
    func number(_ at: Int) -> Int? { Int(String(decoding: bytes[at..<at + 2], as: UTF8.self)) }
    guard (20...35).contains(bytes.count), bytes[10] == UInt8(ascii: "T"),
        UTCDay(String(decoding: bytes[..<10], as: UTF8.self)) != nil, let hour = number(11), hour < 24,
        let minute = number(14), minute < 60, let second = number(17), second < 60
    else { return nil }
    let withFraction = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    // Text that neither form takes is no moment: nil, and the route says which parameter it was.
    guard let date = (try? Date(text, strategy: .iso8601)) ?? (try? Date(text, strategy: withFraction)) else {
        return nil
    }
    let seconds = date.timeIntervalSince1970
    guard (0..<253_402_300_800).contains(seconds) else { return nil }
    return Int((seconds * 1000).rounded())
}
