/// APIs that are known and not forwarded, and why: so that their callers learn more than that nothing is there.
enum NotForwarded {
    /// A batch runs after its call was answered, and its usage is known when its results are read, maybe a day later:
    /// nothing could be held against a limit meanwhile.
    private static let batches =
        "Batches are not forwarded: what they cost is known only when their results are read, so no limit could be kept."
        + " Send the calls one by one."
    private static let files =
        "Files are not forwarded: a call that refers to one could not be measured. Put the content into the call."
    private static let live =
        "This API is not forwarded: its usage cannot be read as it passes."

    /// - Parameter path: without a product.
    static func reason(path: Substring) -> String? {
        let parts = path.split(separator: "/").dropFirst()
        guard let first = parts.first else { return nil }
        if first == "batches" || parts.dropFirst().first == "batches" || path.hasSuffix(":batchGenerateContent")
            || path.hasSuffix(":asyncBatchEmbedContent")
        {
            return batches
        }
        if first == "files" || first == "cachedContents" || first == "uploads" { return files }
        if first == "realtime" || path.hasSuffix(":bidiGenerateContent") { return live }
        return nil
    }
}
