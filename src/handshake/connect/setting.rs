//! The setting by which a server allows the extended CONNECT (RFC 8441, section 3; RFC 9220, section 3).

use core::{error, fmt};

/// The values of SETTINGS_ENABLE_CONNECT_PROTOCOL on one connection, in their order: those that a client receives, or those that
/// a server is about to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    enabled: bool,
}

/// A value of the setting that must not be sent. For a client, a connection error of type PROTOCOL_ERROR, or H3_SETTINGS_ERROR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SettingError {
    /// Neither 0 nor 1.
    Value,
    /// 0 after 1.
    Withdrawn,
}

impl Setting {
    /// The identifier of SETTINGS_ENABLE_CONNECT_PROTOCOL, in HTTP/2 and in HTTP/3.
    pub const ID: u16 = 0x08;

    /// Notes the next value.
    ///
    /// # Errors
    ///
    /// If the value must not be sent: fail the connection of HTTP, as for any setting that is wrong. Nothing has changed.
    // RFC 8441, section 3: "The value of the parameter MUST be 0 or 1."
    // RFC 8441, section 3: "A sender MUST NOT send a SETTINGS_ENABLE_CONNECT_PROTOCOL parameter with the value of 0
    // after previously sending a value of 1."
    pub const fn note(&mut self, value: u64) -> Result<(), SettingError> {
        match value {
            1 => self.enabled = true,
            0 if self.enabled => return Err(SettingError::Withdrawn),
            0 => {}
            _ => return Err(SettingError::Value),
        }
        Ok(())
    }

    /// Whether a client may use the extended CONNECT.
    pub const fn is_enabled(&self) -> bool {
        self.enabled
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value => "the setting is 0 or 1",
            Self::Withdrawn => "the setting has been 1 already",
        })
    }
}

impl error::Error for SettingError {}
