extension RedisConfiguration {
    /// Reads `redis://[user[:password]@]host[:port][/db]`, `rediss://…` for TLS (`?ca=FILE&cert=FILE&key=FILE` or
    /// `?insecure=true`), or `unix://[user:password@]/path/to.sock[?db=N]`.
    ///
    /// Each part may be percent-encoded, and must be where it holds `@`, `:`, `/`, `?` or `%`.
    ///
    /// - Parameter password: kept beside the URL, which then says `user@` at most; nil: as the URL says.
    package init(url: String, password: String? = nil) throws(RedisURLError) {
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { throw .scheme }
        let scheme = url[..<colon].lowercased()
        guard ["redis", "rediss", "unix"].contains(scheme) else { throw .scheme }
        var rest = url[url.index(colon, offsetBy: 3)...]

        var query: Substring = ""
        if let mark = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var authority = rest[..<slash]
        let path = rest[slash...]
        let login = authority.lastIndex(of: "@").map { authority[..<$0] }
        if let login { authority = authority[login.endIndex...].dropFirst() }

        if scheme == "unix" {
            guard authority.isEmpty, path.count > 1 else { throw .socketPath }
            self.init(address: .unixSocket(path: try decoded(path, part: "socket path")))
        } else {
            self.init(address: try tcpAddress(authority))
            if path.count > 1 { database = try databaseNumber(path.dropFirst()) }
        }
        if scheme == "rediss" { tls = TLS() }
        if let password {
            (username, self.password) = (try login.flatMap(userAlone), password)
        } else if let login {
            (username, self.password) = try credentials(login)
        }
        for option in query.split(separator: "&") { try apply(option: option, scheme: scheme) }
        guard (tls?.certificateFile == nil) == (tls?.keyFile == nil) else {
            throw .optionValue("cert", expected: "given together with key")
        }
    }

    private mutating func apply(option: Substring, scheme: String) throws(RedisURLError) {
        let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0].prefix(32))
        let value = try decoded(parts.count > 1 ? parts[1] : "", part: "option")
        switch (scheme, name) {
        case ("unix", "db"):
            database = try databaseNumber(value[...])
        case ("rediss", "ca"): tls?.caFile = try file(value, option: name)
        case ("rediss", "cert"): tls?.certificateFile = try file(value, option: name)
        case ("rediss", "key"): tls?.keyFile = try file(value, option: name)
        case ("rediss", "insecure"):
            guard let flag = Bool(value) else { throw .optionValue(name, expected: "true or false") }
            tls?.isInsecure = flag
        default: throw .option(name)
        }
    }
}

private func file(_ value: String, option: String) throws(RedisURLError) -> String {
    guard !value.isEmpty else { throw .optionValue(option, expected: "the path of a PEM file") }
    return value
}

private func tcpAddress(_ authority: Substring) throws(RedisURLError) -> RedisConfiguration.Address {
    var host = authority
    var port: Substring?
    if authority.first == "[" {
        guard let end = authority.firstIndex(of: "]") else { throw .host }
        host = authority[..<end].dropFirst()
        let after = authority[authority.index(after: end)...]
        guard after.isEmpty || after.first == ":" else { throw .host }
        port = after.isEmpty ? nil : after.dropFirst()
    } else if let colon = authority.lastIndex(of: ":") {
        host = authority[..<colon]
        port = authority[colon...].dropFirst()
        guard !host.contains(":") else { throw .host }
    }
    guard !host.isEmpty else { throw .host }
    guard let port else { return .tcp(host: try decoded(host, part: "host"), port: 6379) }
    guard port.utf8.allSatisfy({ (48...57).contains($0) }), let number = UInt16(port), number > 0 else { throw .port }
    return .tcp(host: try decoded(host, part: "host"), port: Int(number))
}

private func credentials(_ login: Substring) throws(RedisURLError) -> (user: String?, password: String?) {
    guard let colon = login.firstIndex(of: ":") else { throw .credentials }
    let user = try decoded(login[..<colon], part: "user")
    let password = try decoded(login[colon...].dropFirst(), part: "password")
    guard !password.isEmpty else { throw .credentials }
    return (user.isEmpty ? nil : user, password)
}

/// A user, without a password or with an empty one.
private func userAlone(_ login: Substring) throws(RedisURLError) -> String? {
    let parts = login.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 1 || parts[1].isEmpty else { throw .passwordTwice }
    let user = try decoded(parts[0], part: "user")
    return user.isEmpty ? nil : user
}

private func databaseNumber(_ text: Substring) throws(RedisURLError) -> Int {
    guard text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(text), number < 1 << 20 else {
        throw .database
    }
    return number
}

/// Undoes percent-encoding.
private func decoded(_ text: Substring, part: String) throws(RedisURLError) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard rest.count >= 2, let digits = String(rest.prefix(2)), digits.allSatisfy(\.isHexDigit),
            let value = UInt8(digits, radix: 16)
        else { throw .encoding(part: part) }
        bytes.append(value)
        rest = rest.dropFirst(2)
    }
    guard let result = String(validating: bytes, as: UTF8.self), !result.utf8.contains(0) else {
        throw .encoding(part: part)
    }
    return result
}
