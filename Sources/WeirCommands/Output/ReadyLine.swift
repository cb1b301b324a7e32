import Foundation
import WeirCore

/// What a process says on stdout once it is at work.
enum ReadyLine {
    /// One JSON object with its names in order.
    static func json(_ fields: [String: String]) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            writer.key(text: name)
            writer.string(value)
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

/// Prints at once: whoever waits for the line reads a pipe, which the library would otherwise fill up first.
func say(_ text: String) {
    print(text)
    fflush(nil)
}
