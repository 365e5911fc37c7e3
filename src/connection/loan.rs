//! What memory is lent for. Who takes it in is `receiver` or `sender`.

/// What memory is lent to a [`Connection`](super::Connection) for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loan {
    /// For output, until it has been written: see [`Sender::lend`](super::Sender::lend).
    Output,
    /// For the next message that has to be assembled: see [`Receiver::lend`](super::Receiver::lend).
    Message,
}
