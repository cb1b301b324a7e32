import Foundation

/// Runs a program of the system, feeds it, and returns its exit code and all it said. A missing one fails the test.
package func runTool(_ name: String, _ arguments: [String], input: String = "") throws -> (code: Int32, said: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments
    let (feed, output) = (Pipe(), Pipe())
    process.standardInput = feed
    process.standardOutput = output
    process.standardError = output
    try process.run()
    // Larger inputs than a pipe holds are read while they are written: the tools read all before they speak.
    try feed.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try feed.fileHandleForWriting.close()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: said, as: UTF8.self))
}
