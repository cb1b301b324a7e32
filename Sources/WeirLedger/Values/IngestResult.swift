/// What became of a batch.
package struct IngestResult: Sendable, Equatable {
    /// Events that were new.
    package var inserted = 0
    /// Events that took the place of an `orphaned` one.
    package var replaced = 0
    /// Events that stood already. They changed nothing.
    package var duplicates = 0
    /// Dead letters that were new.
    package var deadLetters = 0

    package init(inserted: Int = 0, replaced: Int = 0, duplicates: Int = 0, deadLetters: Int = 0) {
        self.inserted = inserted
        self.replaced = replaced
        self.duplicates = duplicates
        self.deadLetters = deadLetters
    }

    /// True if a sum may have changed.
    package var changedSums: Bool { inserted > 0 || replaced > 0 }
}

/// An entry of a usage stream that is no event: kept as it came, so that a person can look and nothing is lost.
package struct DeadLetter: Sendable, Equatable {
    package var stream: String
    package var streamID: String
    package var raw: [UInt8]
    /// Why it could not be read.
    package var error: String
    /// Milliseconds since 1970.
    package var seenAtMs: Int

    package init(stream: String, streamID: String, raw: [UInt8], error: String, seenAtMs: Int) {
        self.stream = stream
        self.streamID = streamID
        self.raw = raw
        self.error = error
        self.seenAtMs = seenAtMs
    }
}
