/// Whose wire format a call speaks. The raw value is the provider's name in ledger and price table.
package enum Dialect: String, Sendable, CaseIterable {
    case anthropic
    case openAI = "openai"
    case gemini
}
