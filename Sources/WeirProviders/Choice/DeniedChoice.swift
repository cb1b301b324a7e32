import WeirCore

/// A call that is denied for what it asks for, before any limit is asked.
package struct DeniedChoice: Error {
    package let denial: Denial

    init(_ denial: Denial) { self.denial = denial }
}
