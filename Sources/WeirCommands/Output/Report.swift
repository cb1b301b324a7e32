import ArgumentParser
import Foundation

/// What a command has to say: to people, and with `--json` to programs.
struct Report: Equatable {
    var text: String
    var json: String
    /// False: it is said, and the command has failed all the same.
    var isSuccess = true

    func print(asJSON: Bool) throws {
        Swift.print(asJSON ? json : text)
        if !isSuccess { throw ExitCode.failure }
    }
}

/// Says why the command failed, on stderr, and ends it with exit code 1.
func failure(_ error: any Error) -> ExitCode {
    FileHandle.standardError.write(Data("weir: \(error)\n".utf8))
    return .failure
}
