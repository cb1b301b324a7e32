import NIOCore
import WeirCore
package enum Dialect: Sendable { case anthropic, openAI
  func errorBody(for denial: Denial, requestID: String) -> ByteBuffer { ByteBuffer(string: "{\"error\":{\"message\":\"\(denial.message)\",\"type\":\"\(denial.reason.rawValue)\"}}") } }
package enum Endpoint: Sendable { case messages, countTokens, chatCompletions, responses, embeddings, models
  var name: String { "\(self)" }
  var dialect: Dialect { switch self { case .messages, .countTokens: .anthropic; default: .openAI } } }
package struct PriceTable: Sendable { package init() {} }
