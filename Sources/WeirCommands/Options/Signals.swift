import UnixSignals

/// Waits for SIGINT or SIGTERM.
func untilSignalled() async {
    for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { return }
}
