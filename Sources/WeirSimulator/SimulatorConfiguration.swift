/// Where the simulator listens, and how much it remembers.
package struct SimulatorConfiguration: Sendable, Equatable {
    /// The address to listen on. Loopback by default: the simulator has no secrets to keep and accepts any API key.
    package var host: String
    /// 0 takes a free port; ``Simulator/start()`` returns the one taken.
    package var port: Int
    /// Event loops of the simulator's own group; unused when a group is handed to ``Simulator``.
    package var threads: Int
    /// How many calls ``CallLog`` remembers at least. At about 150 bytes a call, two million are 300 MB.
    package var logCapacity: Int

    package init(host: String = "127.0.0.1", port: Int = 0, threads: Int = 1, logCapacity: Int = 2_000_000) {
        self.host = host
        self.port = port
        self.threads = threads
        self.logCapacity = logCapacity
    }
}
