//! Which scripts of other origins may use a server, and the fields that tell browsers so.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// Which scripts of other origins may use a server.
///
/// Without any, browsers let scripts of the server's own origin use long-polling. They don't keep others from opening WebSockets: a server
/// that relies on cookies has to name the origins, its own among them.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    allowed: Allowed,
    credentials: bool,
}

#[derive(Clone, Debug, Default)]
enum Allowed {
    /// Nothing is said to browsers.
    #[default]
    Unsaid,
    Any,
    These(Vec<String>),
}

impl Cors {
    /// Says nothing about origins: the default.
    pub fn unsaid() -> Self {
        Self::default()
    }

    /// Allows every origin.
    pub fn any() -> Self {
        Self { allowed: Allowed::Any, credentials: false }
    }

    /// Allows these origins, and requests without one; others are answered with status 403.
    pub fn these<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        let origins = origins.into_iter().map(Into::into).collect();
        Self { allowed: Allowed::These(origins), credentials: false }
    }

    /// The same, with cookies.
    #[must_use]
    pub fn with_credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// Whether a request with this origin is served at all.
    pub fn allows(&self, origin: Option<&str>) -> bool {
        match (&self.allowed, origin) {
            (Allowed::These(these), Some(origin)) => these.iter().any(|allowed| allowed == origin),
            _ => true,
        }
    }

    /// The fields that every answer to a request with this origin has.
    pub fn fields(&self, origin: Option<&str>) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        let Some(origin) = origin else { return fields };
        match &self.allowed {
            Allowed::Unsaid => return fields,
            // With credentials, a star means nothing to browsers.
            Allowed::Any if !self.credentials => {
                fields.push(("access-control-allow-origin", "*".to_owned()));
            }
            _ if self.allows(Some(origin)) => {
                fields.push(("access-control-allow-origin", origin.to_owned()));
                fields.push(("vary", "Origin".to_owned()));
            }
            _ => return fields,
        }
        if self.credentials {
            fields.push(("access-control-allow-credentials", "true".to_owned()));
        }
        fields
    }

    /// The fields of the answer to a preflight, beside the others.
    pub fn preflight(&self, requested: Option<&str>) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        fields.push(("access-control-allow-methods", "GET, POST".to_owned()));
        if let Some(requested) = requested {
            fields.push(("access-control-allow-headers", requested.to_owned()));
        }
        fields
    }
}
