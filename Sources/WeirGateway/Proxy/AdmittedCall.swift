import WeirCore

/// A call that may be made: nothing is sent to a provider without one, and nobody makes one without a reservation.
struct AdmittedCall {
    let reservation: Reservation
    let request: UpstreamRequest
    /// As it would be if nothing more were heard of the call.
    let event: UsageEvent
    let meter: CallMeter
}
