//! Whose request it is: the address at the other end, or the one that a proxy names which is believed.

use std::net::IpAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use super::App;
use super::secured::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller(pub(super) IpAddr);

impl FromRequestParts<App> for Caller {
    type Rejection = <ConnectInfo<Peer> as FromRequestParts<App>>::Rejection;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let ConnectInfo(Peer(peer)) = ConnectInfo::from_request_parts(parts, app).await?;
        Ok(Self(behind(peer.ip(), &app.proxies, &parts.headers)))
    }
}

/// The first address, from the last one on, that is no proxy of ours. What stands before it may be anybody's invention.
fn behind(peer: IpAddr, proxies: &[IpAddr], headers: &HeaderMap) -> IpAddr {
    let is_ours = |address: &IpAddr| proxies.contains(&address.to_canonical());
    let mut known = peer.to_canonical();
    let fields: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let said = fields.iter().rev().filter_map(|field| field.to_str().ok());
    for address in said.flat_map(|field| field.rsplit(',')) {
        if !is_ours(&known) {
            break;
        }
        // Who says something else than addresses has said nothing.
        let Ok(address) = address.trim().parse::<IpAddr>() else { break };
        known = address.to_canonical();
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(peer: &str, fields: &[&str]) -> String {
        let proxies = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(FORWARDED_FOR, field.parse().unwrap());
        }
        behind(peer.parse().unwrap(), &proxies, &headers).to_string()
    }

    #[test]
    fn a_proxy_of_ours_is_believed_and_nobody_else() {
        assert_eq!(caller("1.2.3.4", &["5.6.7.8"]), "1.2.3.4", "anybody can say so");
        assert_eq!(caller("10.0.0.1", &["5.6.7.8"]), "5.6.7.8");
        assert_eq!(caller("10.0.0.1", &["9.9.9.9, 5.6.7.8"]), "5.6.7.8", "the first is invented");
        assert_eq!(caller("10.0.0.1", &["9.9.9.9", "5.6.7.8, 10.0.0.2"]), "5.6.7.8");
        assert_eq!(caller("10.0.0.1", &["nonsense, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(caller("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(caller("::ffff:10.0.0.1", &["::ffff:5.6.7.8"]), "5.6.7.8");
    }
}
