use core::time::Duration;
use sockless::{Client, CloseCode, Config, Connection, Event, Input, Server, Want};
#[test]
fn smoke() {
    eprintln!(
        "server {} client {}",
        size_of::<Connection<Server>>(),
        size_of::<Connection<Client>>()
    );
    eprintln!(
        "rx {} tx {} event {}",
        size_of::<sockless::Receiver<Server>>(),
        size_of::<sockless::Sender<Server>>(),
        size_of::<Event<'_>>()
    );
    eprintln!(
        "dec {} enc {}",
        size_of::<sockless::frame::Decoder<Server>>(),
        size_of::<sockless::frame::Encoder<Server>>()
    );
    let now = Duration::ZERO;
    let mut c = Connection::client(Config::default());
    let mut s = Connection::server(Config::default());
    c.send_text("hello").unwrap();
    c.send_binary(&[7; 70000]).unwrap();
    c.ping(b"abc", now).unwrap();
    c.close(CloseCode::NORMAL, "bye", now).unwrap();
    let mut bytes = c.output().to_vec();
    c.wrote(bytes.len());
    let mut n = 0;
    for chunk in bytes.chunks_mut(1000) {
        let mut input = Input::new(chunk);
        while let Some(e) = s.poll(&mut input, now) {
            eprintln!("{e:?}");
            n += 1;
            if let Event::Text(t) = e {
                s.send_text(&t).unwrap();
            }
        }
    }
    assert_eq!(n, 4);
    let mut bytes = s.output().to_vec();
    s.wrote(bytes.len());
    assert!(matches!(s.want(), Want::Done(_)));
    eprintln!("{:?}", s.want());
    let mut input = Input::new(&mut bytes);
    while let Some(e) = c.poll(&mut input, now) {
        eprintln!("{e:?}");
    }
    eprintln!("{:?}", c.want());
    assert!(c.poll(&mut Input::eof(), now).is_none());
    eprintln!("{:?}", c.want());
}
