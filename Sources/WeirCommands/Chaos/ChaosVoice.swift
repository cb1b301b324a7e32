import WeirChaos

/// Says on stdout what happens.
struct ChaosVoice: Sendable {
    let isJSON: Bool

    func ready(listen: String, to: String, seed: UInt64, faults: ChaosFaults) {
        say(
            isJSON
                ? ReadyLine.json(["listen": listen, "to": to, "seed": "\(seed)", "faults": "\(faults)"])
                : "weir chaos ready: \(listen) to \(to) seed \(seed) faults \(faults)")
    }

    func tell(_ event: ChaosProxy.Event) {
        switch event {
        case .opened(let number): tell("opened", number)
        case .refused(let number): tell("refused", number)
        case .cut(let number, let ending): tell("cut by \(ending.rawValue)", number)
        case .closed(let number): tell("closed", number)
        }
    }

    private func tell(_ what: String, _ number: Int) {
        say(isJSON ? ReadyLine.json(["connection": "\(number)", "event": what]) : "connection \(number) \(what)")
    }

    func inForce(_ proxy: ChaosProxy) {
        let (faults, open) = ("\(proxy.faults)", "\(proxy.openCount)")
        say(isJSON ? ReadyLine.json(["faults": faults, "open": open]) : "faults: \(faults); \(open) connections open")
    }

    func problem(_ text: String) { say(isJSON ? ReadyLine.json(["error": text]) : "weir chaos: \(text)") }
}
