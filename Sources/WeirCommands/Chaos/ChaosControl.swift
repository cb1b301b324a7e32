import Foundation
import WeirChaos

/// Changes a proxy that runs.
struct ChaosControl: Sendable {
    let proxy: ChaosProxy
    let voice: ChaosVoice

    /// Does what the lines of stdin say, until there are no more.
    func obeyStandardInput() async {
        let (lines, more) = AsyncStream.makeStream(of: String.self)
        // Reading blocks its thread, so it gets one of its own, which ends with the process.
        Thread.detachNewThread {
            while let line = readLine() { more.yield(line) }
            more.finish()
        }
        for await line in lines {
            do throws(ChaosFaults.Problem) { try await obey(line) } catch { voice.problem(error.description) }
        }
    }

    /// Does what one line says.
    /// - Throws: what is wrong with it, and what would be right.
    func obey(_ line: String) async throws(ChaosFaults.Problem) {
        let words = line.split(separator: " ").map(String.init)
        guard let first = words.first else { return }
        if words.count == 2, let field = ChaosFaults.Field(rawValue: first) {
            var faults = proxy.faults
            try faults.set(field, to: words[1])
            await proxy.set(faults)
        } else if words.count == 1, let ending = ChaosFaults.Ending(rawValue: first) {
            await proxy.endAll(ending)
        } else if words == ["off"] {
            await proxy.set(ChaosFaults())
        } else if words != ["show"] {
            let fields = ChaosFaults.Field.allCases.map(\.rawValue).joined(separator: ", ")
            throw ChaosFaults.Problem(
                description:
                    "'\(line)' is not known; write \(fields) with a value, or reset, close, half-close, off, show")
        }
        voice.inForce(proxy)
    }

    /// Another fault, or none, each time `interval` has passed.
    func takeTurns(every interval: Duration) async {
        var numbers = SplitMix64(seed: proxy.seed)
        while true {
            do { try await Task.sleep(for: interval) } catch { return }
            await proxy.set(.random(using: &numbers))
            voice.inForce(proxy)
        }
    }
}
