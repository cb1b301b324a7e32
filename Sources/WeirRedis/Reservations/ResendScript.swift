/// lua/resend.lua, typed: hands on a call's event alone, since its shard was lost after the call may have been charged.
package struct ResendScript: Sendable {
    package var shard: Shard
    /// One line of JSON.
    package var event: [UInt8]
    /// A new name for the stream's life, in case it has none.
    package var life: String

    /// Where the event stands now.
    package struct Reply: Sendable, Equatable {
        /// The shard's epoch, or while it has none the stream's life.
        package let life: String
        package let streamID: StreamID
        /// The start of redis-server.
        package let run: String
    }

    package init(shard: Shard, event: [UInt8], life: String) {
        (self.shard, self.event, self.life) = (shard, event, life)
    }

    package func run(on connection: RedisConnection) async throws(RedisError) -> Reply {
        let script = ScriptCatalogue.resend
        let reply = try await connection.run(
            script, keys: [RedisKeys.epoch(shard), RedisKeys.usage(shard), RedisKeys.committed(shard)],
            arguments: [.string(life), .bytes(event)])
        guard case .array(let parts) = reply, parts.count == 3, let life = parts[0].plainText,
            let streamID = parts[1].plainText.flatMap({ StreamID($0) }), let run = parts[2].plainText
        else { throw .protocolViolation("resend.lua answered \(reply)") }
        return Reply(life: life, streamID: streamID, run: run)
    }
}
