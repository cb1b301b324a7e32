import Foundation

/// An nginx that does nothing but pass on: the yardstick of what proxying a call costs. One process, one worker.
struct PrivateNginx: Sendable {
    let child: ChildProcess
    let url: String

    /// Nil if nginx is not installed.
    ///
    /// - Parameter isStream: answers are passed on as they arrive, not collected first.
    static func start(
        directory: String, before upstream: String, connections: Int, isStream: Bool
    ) async throws -> PrivateNginx? {
        let places = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        guard let program = places.map({ $0 + "/nginx" }).first(where: FileManager.default.isExecutableFile) else {
            return nil
        }
        guard let address = URLComponents(string: upstream), let host = address.host, let port = address.port else {
            throw BenchError(description: "\(upstream) is not an address to proxy to")
        }
        let ownPort = try freePort()
        let file = directory + "/nginx.conf"
        let text = configuration(
            directory: directory, port: ownPort, upstream: "\(host):\(port)", connections: connections,
            buffering: isStream ? "off" : "on")
        guard FileManager.default.createFile(atPath: file, contents: Data(text.utf8)) else {
            throw BenchError(description: "cannot write \(file)")
        }
        let child = try ChildProcess.start(
            "nginx", program: program, arguments: ["-e", directory + "/nginx-error.log", "-c", file],
            logFile: directory + "/nginx.log")
        let deadline = ContinuousClock.now + .seconds(10)
        while child.isRunning, ContinuousClock.now < deadline {
            if isListening(port: ownPort) { return PrivateNginx(child: child, url: "http://127.0.0.1:\(ownPort)") }
            try await Task.sleep(for: .milliseconds(5))
        }
        await child.end(patience: .seconds(2))
        throw BenchError(description: "nginx does not start: see \(directory)/nginx-error.log")
    }

    private static func configuration(
        directory: String, port: Int, upstream: String, connections: Int, buffering: String
    ) -> String {
        """
        daemon off;
        master_process off;
        worker_processes 1;
        pid \(directory)/nginx.pid;
        events { worker_connections \(connections * 3 + 64); }
        http {
            access_log off;
            client_body_temp_path \(directory)/nginx-body;
            proxy_temp_path \(directory)/nginx-proxy;
            fastcgi_temp_path \(directory)/nginx-fastcgi;
            uwsgi_temp_path \(directory)/nginx-uwsgi;
            scgi_temp_path \(directory)/nginx-scgi;
            keepalive_requests 1000000000;
            upstream simulator {
                server \(upstream);
                keepalive \(connections);
                keepalive_requests 1000000000;
            }
            server {
                listen 127.0.0.1:\(port) backlog=1024;
                location / {
                    proxy_pass http://simulator;
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_buffering \(buffering);
                }
            }
        }
        """
    }
}
