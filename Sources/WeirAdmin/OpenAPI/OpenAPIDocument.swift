import Hummingbird
import WeirCore
import WeirLedger

/// What `/openapi.json` answers with.
struct AnyDocument: Codable, Sendable {}

/// The admin API as an OpenAPI 3.1 document, made of its routes: what is not routed is not in it, and the reverse.
struct OpenAPIDocument {
    private let routes: [AdminRoute]

    init(_ routes: [AdminRoute]) { self.routes = routes }

    var json: [UInt8] { tree.bytes }

    private var tree: JSONTree {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "Weir admin API", "version": "1",
                "description": .text(
                    """
                    Times are RFC 3339 in UTC (fields that end in _ms: milliseconds since 1970). Money is integer micro-dollars \
                    (…_micros) and decimal text in dollars (…_usd). Lists are paged by next_cursor, and are CSV on demand. \
                    x-weir-role says which role an admin token needs.
                    """),
            ],
            "servers": [["url": "/"]],
            "security": [["adminToken": []]],
            "paths": .object(paths),
            "components": [
                "securitySchemes": ["adminToken": ["type": "http", "scheme": "bearer"]],
                "schemas": .object(schemas),
            ],
        ]
    }

    private var paths: [(String, JSONTree)] {
        var order: [String] = []
        var operations: [String: [(String, JSONTree)]] = [:]
        for route in routes {
            if operations[route.fullPath] == nil { order.append(route.fullPath) }
            operations[route.fullPath, default: []].append((route.method.rawValue.lowercased(), operation(route)))
        }
        return order.map { ($0, .object(operations[$0] ?? [])) }
    }

    private func operation(_ route: AdminRoute) -> JSONTree {
        var members: [(String, JSONTree)] = [
            ("operationId", .text(Self.operationID(route))), ("summary", .text(route.summary)),
        ]
        if let role = route.role {
            members.append(("x-weir-role", .text(role.rawValue)))
        } else {
            members.append(("security", []))
        }
        let parameters = Self.pathNames(route).map(Self.pathParameter) + route.allParameters.map(Self.parameter)
        if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
        if let body = route.body { members.append(("requestBody", Self.body(body))) }
        members.append(("responses", Self.responses(route)))
        return .object(members)
    }

    private static func operationID(_ route: AdminRoute) -> String {
        let words = route.path.split { !$0.isLetter }.map { $0.prefix(1).uppercased() + $0.dropFirst() }
        return route.method.rawValue.lowercased() + words.joined()
    }

    /// `id` of `keys/{id}`.
    private static func pathNames(_ route: AdminRoute) -> [String] {
        route.path.split(separator: "/").filter { $0.first == "{" }.map { String($0.dropFirst().dropLast()) }
    }

    private static func pathParameter(_ name: String) -> JSONTree {
        ["name": .text(name), "in": "path", "required": true, "schema": ["type": "string", "minLength": 1]]
    }

    private static func parameter(_ parameter: AdminParameter) -> JSONTree {
        [
            "name": .text(parameter.name), "in": "query", "required": .bool(parameter.isRequired),
            "description": .text(parameter.about), "schema": SchemaText.of(parameter.kind),
        ]
    }

    private static func body(_ body: AdminRoute.Body) -> JSONTree {
        switch body {
        case .json(let message):
            ["required": true, "content": ["application/json": ["schema": reference(to: message)]]]
        case .policy:
            [
                "required": true,
                "content": [
                    "application/yaml": [
                        "schema": ["type": "string", "description": "a policy, as deploy/policy.yaml explains it"]
                    ]
                ],
            ]
        }
    }

    private static func responses(_ route: AdminRoute) -> JSONTree {
        var content: [(String, JSONTree)] = [("application/json", ["schema": reference(to: route.answer)])]
        if route.isList { content.append(("text/csv", ["schema": ["type": "string"]])) }
        func failure(_ about: String) -> JSONTree {
            ["description": .text(about), "content": ["application/json": ["schema": reference("Error")]]]
        }
        var members: [(String, JSONTree)] = [
            (String(route.status.code), ["description": .text(route.summary), "content": .object(content)])
        ]
        if route.path == "readyz" {
            members.append(("503", ["description": "It cannot", "content": .object(content)]))
        }
        if route.role != nil {
            members.append(("401", failure("No admin token, or not a right one")))
            members.append(("403", failure("The token's role is not enough, or the site is another")))
            members.append(("503", failure("Ledger or Redis did not answer")))
        }
        members.append(("4XX", failure("The request is not right; nothing was changed")))
        return .object(members)
    }

    // MARK: Schemas

    private static func reference(to type: any Any.Type) -> JSONTree { reference(String(describing: type)) }
    private static func reference(_ name: String) -> JSONTree { ["$ref": .text("#/components/schemas/\(name)")] }

    private var schemas: [(String, JSONTree)] {
        var schemas: [String: JSONTree] = ["Error": Self.error]
        for route in routes {
            schemas[String(describing: route.answer)] = SchemaText.of(MessageSchema.of(route.answer), isRequest: false)
            if case .json(let message)? = route.body {
                schemas[String(describing: message)] = SchemaText.of(MessageSchema.of(message), isRequest: true)
            }
        }
        return schemas.sorted { $0.key < $1.key }
    }

    private static let error: JSONTree = [
        "type": "object", "required": ["error"],
        "properties": [
            "error": [
                "type": "object", "additionalProperties": false, "required": ["code", "message"],
                "properties": [
                    "code": ["type": "string", "enum": .array(AdminError.Code.allCases.map { .text($0.rawValue) })],
                    "message": ["type": "string"],
                    "field": ["type": "string", "description": "the field or parameter that is wrong"],
                    "hint": ["type": "string", "description": "what to do about it"],
                    "errors": ["type": "array", "items": ["type": "object"], "description": "of a policy"],
                ],
            ],
            "key": ["type": "object", "description": "a key that was made and is not in force yet"],
        ],
    ]
}
