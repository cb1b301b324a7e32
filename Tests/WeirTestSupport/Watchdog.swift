import Foundation

/// Ends a child process and removes its directory when this process is gone, however that came about: a crashed or
/// killed test run leaves nothing behind.
///
/// A shell reads from a pipe that only this process writes to; its end is ours.
package struct Watchdog {
    private let shell = Process()
    private let pipe = Pipe()

    package init(over child: Int32, directory: String) throws {
        // Not for the children that others start meanwhile.
        _ = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", #"read -r _; kill -9 "$0"; rm -rf "$1""#, "\(child)", directory]
        shell.standardInput = pipe
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        try shell.run()
    }

    /// Call it when the child is gone: its number may be another's soon.
    package func dismiss() {
        guard shell.isRunning else { return }
        _ = kill(shell.processIdentifier, SIGKILL)
        shell.waitUntilExit()
    }
}
