//! Tokens (RFC 7519, HS256) for servers that let users in with one: the generator knows the server's secret, and signs them itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as LETTERS;
use ring::hmac;

/// A token with these claims, which are a JSON object.
pub fn sign(secret: &[u8], claims: &str) -> String {
    let head = LETTERS.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", LETTERS.encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = LETTERS.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[cfg(test)]
mod tests {
    /// The example of RFC 7515, appendix A.1, has spaces in its head; so this one is jwt.io's, which everybody knows.
    #[test]
    fn a_token_is_the_one_that_others_make() {
        let claims = r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#;
        let token = super::sign(b"your-256-bit-secret", claims);
        assert!(token.ends_with(".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"), "{token}");
    }
}
