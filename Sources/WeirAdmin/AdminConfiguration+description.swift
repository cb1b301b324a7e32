/// Says where, not with which token: services are described in logs by their parts.
extension AdminConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(host):\(port), \(token == nil ? "no token" : "a token")" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["address": description]) }
}
