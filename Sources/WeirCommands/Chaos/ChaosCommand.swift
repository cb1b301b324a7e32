import ArgumentParser
import WeirChaos

/// `weir chaos`.
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Stands between two programs and does what networks do: delays, throttles, swallows, cuts.",
        discussion: """
            A TCP proxy, to see how a deployment bears a bad network before a bad network does it. Put it before Redis, \
            before a provider, or before a gateway:

              weir chaos --listen 127.0.0.1:7000 --to 127.0.0.1:6379 --seed 7 --delay 50ms
              weir gateway --redis redis://127.0.0.1:7000

            While it runs it reads lines from stdin, and what they say holds at once, for open connections, too:

              delay 200ms            or jitter, bandwidth, cut-after, ending, refuse, way, as the flags
              black-hole on          nothing arrives any more, and no connection ends; off: it arrives now
              one-byte on            each byte is written by itself
              reset                  ends every open connection, by RST; close and half-close by FIN
              off                    no faults
              show                   the faults in force, and how many connections are open

            All that is random, jitter, cuts, refusals and --shuffle, follows from the seed, which is printed. Run again \
            with --seed and the same connections, it does the same.
            """)

    @Option(help: "Where it listens, HOST:PORT; port 0 takes any free one.")
    var listen: String

    @Option(help: "The server that it stands before, HOST:PORT.")
    var to: String

    @Option(help: "What decides everything random, a whole number; without it one is drawn.")
    var seed: UInt64?

    @Option(help: "How much later everything arrives: 50ms, 2s.")
    var delay: String?

    @Option(help: "Up to so much later again, drawn for each piece: 20ms.")
    var jitter: String?

    @Option(help: "Bytes a second at most, each way of each connection: 500, 64k, 2M.")
    var bandwidth: String?

    @Flag(help: "Nothing arrives, and no connection ends.")
    var blackHole = false

    @Flag(help: "Each byte is written by itself.")
    var oneByte = false

    @Option(help: "Each connection is ended after so many bytes: 512, or drawn from 100..2000.")
    var cutAfter: String?

    @Option(help: "How: reset, close, or half-close (towards the client alone). (default: reset)")
    var ending: String?

    @Option(help: "Of a hundred new connections so many are reset at once.")
    var refuse: String?

    @Option(help: "Which bytes all of this is about: both, up (to the server) or down. (default: both)")
    var way: String?

    @Option(help: "Takes turns: another fault, or none, drawn each time so much has passed: 5s.")
    var shuffle: String?

    @Flag(help: "Say each thing as one JSON object.")
    var json = false

    func run() async throws {
        do {
            let faults = try faults()
            let listen = try Self.address("--listen", listen)
            let to = try Self.address("--to", to)
            let turn = try shuffle.map { text in
                guard let turn = ChaosFaults.duration(of: text), turn > .zero else {
                    throw SettingError(description: "--shuffle \(text): write a time such as 5s, at most 60m")
                }
                return turn
            }
            let seed = seed ?? .random(in: .min ... .max)
            let voice = ChaosVoice(isJSON: json)
            let proxy = ChaosProxy(to: to.host, port: to.port, seed: seed, faults: faults) { voice.tell($0) }
            let port = try await proxy.start(host: listen.host, port: listen.port)
            voice.ready(listen: "\(listen.with(port: port))", to: "\(to)", seed: seed, faults: faults)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await untilSignalled() }
                group.addTask {
                    await ChaosControl(proxy: proxy, voice: voice).obeyStandardInput()
                    // The end of its input is no order to end; a cancelled sleep is one.
                    try? await Task.sleep(for: .seconds(1_000_000_000))
                }
                if let turn {
                    group.addTask { await ChaosControl(proxy: proxy, voice: voice).takeTurns(every: turn) }
                }
                await group.next()
                group.cancelAll()
            }
            try await proxy.stop()
        } catch {
            throw failure(error)
        }
    }

    private static func address(_ flag: String, _ text: String) throws(SettingError) -> ListenAddress {
        do { return try ListenAddress(text) } catch { throw SettingError(description: "\(flag): \(error)") }
    }

    /// The faults that the flags ask for, checked.
    func faults() throws(ChaosFaults.Problem) -> ChaosFaults {
        var faults = ChaosFaults()
        let given: [(ChaosFaults.Field, String?)] = [
            (.delay, delay), (.jitter, jitter), (.bandwidth, bandwidth), (.cutAfter, cutAfter), (.ending, ending),
            (.refuse, refuse), (.way, way), (.blackHole, blackHole ? "on" : nil), (.oneByte, oneByte ? "on" : nil),
        ]
        for case (let field, let text?) in given { try faults.set(field, to: text) }
        return faults
    }
}
