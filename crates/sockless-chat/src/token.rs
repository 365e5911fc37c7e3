//! Tokens (RFC 7519, HS256): who somebody is, and until when that holds. They are made here or by anybody who has the secret.

use std::fmt;
use std::sync::Once;
use std::time::Duration;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::chat::Name;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: Name,
    /// When it ends, in seconds since 1970.
    pub exp: u64,
}

/// Why a token isn't taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// It is no token, or wasn't signed with our secret, or has no user or end.
    Wrong,
    /// It has ended.
    Expired,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wrong => "the token is wrong",
            Self::Expired => "the token has ended",
        })
    }
}

impl std::error::Error for TokenError {}

/// What makes tokens and reads them. It shows no secret.
#[derive(Clone)]
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Tokens {
    /// Tokens that are signed with this secret.
    ///
    /// # Errors
    ///
    /// It has fewer than 32 octets, which HS256 asks for (RFC 7518, section 3.2).
    pub fn new(secret: &[u8]) -> Result<Self, TokenError> {
        static INSTALLED: Once = Once::new();
        // Another one in this process would do as well.
        INSTALLED.call_once(|| {
            let _ = PROVIDER.install_default();
        });
        if secret.len() < 32 {
            return Err(TokenError::Wrong);
        }
        let encoding = EncodingKey::from_secret(secret).map_err(|_| TokenError::Wrong)?;
        let decoding = DecodingKey::from_secret(secret).map_err(|_| TokenError::Wrong)?;
        Ok(Self { encoding, decoding })
    }

    /// A token.
    ///
    /// # Errors
    ///
    /// It can't be signed.
    pub fn make(&self, claims: &Claims) -> Result<String, TokenError> {
        encode(&Header::new(Algorithm::HS256), claims, &self.encoding)
            .map_err(|_| TokenError::Wrong)
    }

    /// What a token says, if it holds now.
    ///
    /// # Errors
    ///
    /// It is wrong, or has ended.
    pub fn read(&self, token: &str, now: Duration) -> Result<Claims, TokenError> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub"]);
        // The time is the caller's.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token = decode::<Claims>(token, &self.decoding, &validation);
        let claims = token.map_err(|_| TokenError::Wrong)?.claims;
        if claims.exp <= now.as_secs() { Err(TokenError::Expired) } else { Ok(claims) }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// HS256 by ring, which TLS has brought already; nothing else is understood.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256::new(key.as_bytes()))),
        _ => Err(Error::from(ErrorKind::InvalidAlgorithm)),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256::new(key.try_get_as_bytes()?))),
        _ => Err(Error::from(ErrorKind::InvalidAlgorithm)),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(hmac::Key);

impl Hs256 {
    fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), signature::Error> {
        hmac::verify(&self.0, message, tag).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
