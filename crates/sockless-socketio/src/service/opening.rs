//! The head of the request that has opened a session, as it is kept: a copy that holds on to nothing of the connection's buffers.

use std::sync::Arc;

use ::http::{Extensions, HeaderMap, HeaderValue, Method, Request, Uri};
use bytes::Bytes;

/// The head of the request that has opened a session.
pub(super) type Opening = Arc<Request<()>>;

/// A copy of the head of a request.
pub(super) fn opening(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Opening {
    let mut head = Request::new(());
    *head.method_mut() = method.clone();
    *head.uri_mut() = copied_uri(uri);
    *head.headers_mut() = copied_fields(headers);
    *head.extensions_mut() = extensions.clone();
    Arc::new(head)
}

/// The same address in memory of its own.
fn copied_uri(uri: &Uri) -> Uri {
    // What was one is one.
    Uri::try_from(uri.to_string()).unwrap_or_else(|_| uri.clone())
}

/// The same fields, their values in one piece of memory: as they come, each value holds the buffer that the request was read into.
fn copied_fields(headers: &HeaderMap) -> HeaderMap {
    let all: Vec<u8> = headers.values().flat_map(HeaderValue::as_bytes).copied().collect();
    let mut rest = Bytes::from(all);
    let mut copied = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let bytes = rest.split_to(value.len());
        let mut copy = HeaderValue::from_maybe_shared(bytes).unwrap_or_else(|_| value.clone());
        copy.set_sensitive(value.is_sensitive());
        copied.append(name, copy);
    }
    copied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_says_the_same_and_shares_nothing() {
        let buffer = Bytes::from_static(b"text/plain\xe4, token,/socket.io/?a=b").to_vec();
        let buffer = Bytes::from(buffer);
        let value = |from, to| HeaderValue::from_maybe_shared(buffer.slice(from..to)).expect("it");
        let mut headers = HeaderMap::new();
        headers.append("content-type", value(0, 11));
        let mut secret = value(13, 18);
        secret.set_sensitive(true);
        headers.append("x-token", secret);
        headers.append("x-token", value(0, 4));
        headers.append("empty", value(3, 3));
        let uri = Uri::from_maybe_shared(buffer.slice(19..)).expect("an address");

        let copy = opening(&Method::GET, &uri, &headers, &Extensions::new());
        assert_eq!(*copy.headers(), headers);
        assert!(copy.headers()["x-token"].is_sensitive());
        assert_eq!(*copy.uri(), uri);
        drop((headers, uri));
        assert!(buffer.is_unique());
    }
}
