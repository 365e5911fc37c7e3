//! Why a client is refused a namespace.

use serde::Serialize;
use serde_json::Value;

use crate::socket::ReadError;

/// Why a client is refused a namespace. It gets an error with this message, and data.
#[derive(Clone, Debug, PartialEq)]
pub struct Refuse {
    pub(super) message: String,
    pub(super) data: Option<Value>,
}

impl Refuse {
    /// Refuses with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// The same with data, which the client finds beside the message.
    ///
    /// # Errors
    ///
    /// If serde can't write it as JSON.
    pub fn with_data<T: Serialize>(mut self, data: &T) -> Result<Self, ReadError> {
        self.data = Some(serde_json::to_value(data).map_err(ReadError::from)?);
        Ok(self)
    }
}

impl From<&str> for Refuse {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}
