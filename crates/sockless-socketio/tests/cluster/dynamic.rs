//! Namespaces that are made when they are asked for: they are followed as long as somebody needs them.

use crate::net::{Client, Net, millis};

#[test]
fn a_namespace_is_followed_while_somebody_needs_it() {
    let mut net = Net::dynamic(2);
    let before = net.server(0).channels_mut().expect("a cluster").held().channels;
    let followed =
        |net: &mut Net| net.server(0).channels_mut().expect("a cluster").held().channels - before;
    let mut ann = Client::default();
    net.connect_to(0, &mut ann, "/made/up");
    assert_eq!(followed(&mut net), 2, "its stream, and what is said in it");
    net.cut(&mut ann, true);
    net.wait(1_000);
    assert_eq!(followed(&mut net), 2, "she may come back");
    net.connect_to(1, &mut ann, "/made/up");
    assert!(net.is_recovered(&ann));
    net.wait(100);
    assert_eq!(followed(&mut net), 0, "she is at the other server");
    net.cut(&mut ann, true);
    net.wait(11_000);
    let other = net.server(1).channels_mut().expect("a cluster").held().channels;
    assert_eq!(other, before, "she doesn't come back any more");
}

#[test]
fn a_name_that_is_too_long_for_a_channel_is_refused() {
    let mut net = Net::dynamic(1);
    let mut ann = Client::default();
    net.connect_to(0, &mut ann, "/short");
    net.say(&ann, &format!("40/{},", "x".repeat(253)));
    let got = net.names(&mut ann);
    assert!(got.len() == 1 && got[0].contains("Invalid namespace"), "{got:?}");
    net.wait(millis(10).as_millis() as u64);
}
