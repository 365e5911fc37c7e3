//! Where a server is: the parts of its URL.

use http::Uri;

use super::error::ConnectError;
use crate::socket::Namespace;

/// Where a server is, what its sessions are opened with, and which namespace is meant.
#[derive(Clone, Debug)]
pub(super) struct Address {
    secure: bool,
    authority: String,
    pub(super) query: String,
    pub(super) namespace: Namespace,
    /// Where on the server Socket.IO is.
    pub(super) path: String,
}

impl Address {
    /// Reads a URL as the official client does: its path is the namespace, and its query goes with every request.
    pub(super) fn parse(url: &str) -> Result<Self, ConnectError> {
        let uri: Uri = url.parse().map_err(|_| ConnectError::Url)?;
        let secure = match uri.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            _ => return Err(ConnectError::Url),
        };
        let authority = uri.authority().ok_or(ConnectError::Url)?;
        // Credentials don't belong into a URL that is written into logs.
        if authority.as_str().contains('@') {
            return Err(ConnectError::Url);
        }
        Ok(Self {
            secure,
            authority: authority.as_str().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            namespace: Namespace::new(uri.path()).ok_or(ConnectError::Url)?,
            path: "/socket.io/".to_owned(),
        })
    }

    /// The value of the field `Host`.
    pub(super) fn host(&self) -> &str {
        &self.authority
    }

    /// The target of a request with this query.
    pub(super) fn target(&self, query: &str) -> String {
        format!("{}?{query}", self.path)
    }

    /// The URL of a WebSocket with this query.
    pub(super) fn websocket(&self, query: &str) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.authority, self.target(query))
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn the_path_is_the_namespace_and_the_query_goes_with_all_requests() {
        let address = Address::parse("https://example.com:8443/chat?token=a%20b").expect("a URL");
        assert_eq!(&*address.namespace, "/chat");
        assert_eq!(address.query, "token=a%20b");
        assert_eq!(address.host(), "example.com:8443");
        assert_eq!(address.websocket("EIO=4"), "wss://example.com:8443/socket.io/?EIO=4");
        assert_eq!(&*Address::parse("http://a").expect("a URL").namespace, "/");
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        for bad in
            ["", "example.com", "/chat", "ftp://a", "http://", "http://u:p@a", "http://a/b,c"]
        {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
