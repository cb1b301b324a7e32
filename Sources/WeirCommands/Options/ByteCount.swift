import ArgumentParser

/// A size on disk such as `500MB` or `2GB`, in powers of 1024.
struct ByteCount: ExpressibleByArgument, Equatable {
    let bytes: Int

    init?(argument: String) {
        let units = ["KB": 10, "MB": 20, "GB": 30, "TB": 40]
        guard let power = units[String(argument.suffix(2))], argument.utf8.count <= 12,
            argument.dropLast(2).allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(argument.dropLast(2)),
            count > 0
        else { return nil }
        let (bytes, isTooLarge) = count.multipliedReportingOverflow(by: 1 << power)
        guard !isTooLarge else { return nil }
        self.bytes = bytes
    }
}
