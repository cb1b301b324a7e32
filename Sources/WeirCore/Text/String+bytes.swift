import Glibc

extension StringProtocol {
    /// Its UTF-8 as it lies in memory. To go through a string's `utf8` byte by byte costs ten times as much, and some
    /// texts are gone through in every call.
    @inlinable
    public func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        // Only a string that is not Swift's own does not lie in memory so.
        utf8.withContiguousStorageIfAvailable(body) ?? Array(utf8).withUnsafeBufferPointer(body)
    }
}

extension String {
    /// Stricter than `==`, for which letters that Unicode takes for the same are equal.
    public func hasSameBytes(as other: String) -> Bool {
        withBytes { own in
            other.withBytes { theirs in
                guard own.count == theirs.count else { return false }
                guard let first = own.baseAddress, let second = theirs.baseAddress else { return true }
                return memcmp(first, second, own.count) == 0
            }
        }
    }

    /// - Parameter bytes: as many as are put, or more.
    public init(bytes: Int, _ put: (inout ByteCursor) -> Void) {
        self.init(unsafeUninitializedCapacity: bytes) { space in
            var cursor = ByteCursor(UnsafeMutableRawBufferPointer(space))
            put(&cursor)
            return cursor.count
        }
    }
}
