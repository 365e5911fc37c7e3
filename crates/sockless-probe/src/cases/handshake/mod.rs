//! The opening handshake over HTTP/1.1, of a server and of a client.

pub(super) mod client_opens;
pub(super) mod client_refuses;
pub(super) mod client_request;
mod endless;
pub(super) mod limits;
pub(super) mod outcome;
pub(super) mod server_answer;
pub(super) mod server_grammar;
pub(super) mod server_request;
