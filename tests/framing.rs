//! Frames on the wire: RFC 6455, sections 5.1 to 5.3, and the masking of section 10.3.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use sockless::connection::{Connection, Loan};
use sockless::frame::Violation;
use sockless::{Client, Config, Event, Input, Server};

use crate::wire::*;

in_both_roles!(
    receives_reserved_bit_fails_1002,
    receives_reserved_bit_on_control_frame_fails_1002,
    receives_reserved_bit_on_continuation_fails_1002,
    receives_reserved_opcode_fails_1002,
    receives_16_bit_length_below_126_fails_1002,
    receives_64_bit_length_below_65536_fails_1002,
    receives_64_bit_length_with_top_bit_fails_1002,
    receives_every_form_of_length,
    sends_the_shortest_form_of_length,
    sends_no_reserved_bits,
    receives_frame_cut_at_any_byte,
    keeps_the_mask_phase_over_reads,
    restarts_the_mask_phase_at_every_frame,
    gives_back_what_was_not_consumed,
    sends_text_and_binary_with_their_opcodes,
    echoes_every_octet_unchanged,
);

#[test]
fn server_receives_unmasked_frame_fails_1002() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
    //= type=test
    //# The server MUST close the connection upon receiving a
    //# frame that is not masked.
    for first in [FIN | TEXT, FIN | BINARY, TEXT, FIN | PING, FIN | PONG] {
        let bad = frame(first, None, b"plain");
        Wrong::new(bad, 2, Violation::UnmaskedFrame, 1002).check::<Server>();
    }
    let bad = frame(FIN | CLOSE, None, &close_body(1000, b""));
    Wrong::new(bad, 2, Violation::UnmaskedFrame, 1002).check::<Server>();
}

#[test]
fn server_receives_unmasked_empty_frame_fails_1002() {
    let bad = frame(FIN | TEXT, None, b"");
    Wrong::new(bad, 2, Violation::UnmaskedFrame, 1002).check::<Server>();
}

#[test]
fn client_receives_masked_frame_fails_1002() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
    //= type=test
    //# A client MUST close a connection if it detects a masked
    //# frame.
    for first in [FIN | TEXT, FIN | BINARY, TEXT, FIN | PING, FIN | PONG] {
        let bad = frame(first, Some(KEY), b"masked");
        Wrong::new(bad, 2, Violation::MaskedFrame, 1002).check::<Client>();
    }
    let bad = frame(FIN | CLOSE, Some([0; 4]), b"");
    Wrong::new(bad, 2, Violation::MaskedFrame, 1002).check::<Client>();
}

#[test]
fn client_masks_every_frame_it_sends() {
    let mut conn = open::<Client>();
    conn.send_text("text").unwrap();
    conn.send_binary(b"").unwrap();
    conn.send(vec![7; 5000]).unwrap();
    conn.begin_text("a", false).unwrap();
    conn.ping(b"", START).unwrap();
    conn.continue_text("", true).unwrap();
    conn.pong(b"pong").unwrap();
    conn.stream_frame(Some(sockless::Kind::Binary), true, 3).unwrap();
    conn.stream_payload(&mut [1, 2, 3]).unwrap();
    feed(&mut conn, &peer::<Client>(FIN | PING, b"ping"));
    conn.close(None, "", START).unwrap();
    let frames = found(&written(&mut conn));
    assert_eq!(frames.len(), 10);
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //= type=test
    //# Close frames sent from client to server must be masked as per Section 5.3.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
    //= type=test
    //# To avoid confusing network intermediaries (such as
    //# intercepting proxies) and for security reasons that are further
    //# discussed in Section 10.3, a client MUST mask all frames that it
    //# sends to the server (see Section 5.3 for further details).
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //= type=test
    //# A masked frame MUST have the field frame-masked set to 1, as defined
    //# in Section 5.2.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //= type=test
    //# If the data is being sent by the client, the frame(s) MUST be
    //# masked as defined in Section 5.3.
    assert!(frames.iter().all(|frame| frame.key.is_some()));

    let keys: Vec<_> = frames.iter().map(|frame| frame.key).collect();
    let expected: Vec<_> = (1..=10_u32).map(|n| Some(n.to_be_bytes())).collect();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //= type=test
    //# When preparing a masked frame, the client MUST pick a fresh masking
    //# key from the set of allowed 32-bit values.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-10.3
    //= type=test
    //# Clients MUST choose a new masking key for each frame, using an
    //# algorithm that cannot be predicted by end applications that provide
    //# data.
    assert_eq!(keys, expected);
}

#[cfg(feature = "getrandom")]
#[test]
fn client_with_default_entropy_never_repeats_itself() {
    let mut keys = Vec::new();
    for _ in 0..4 {
        let mut conn = Connection::client(Config::default());
        for _ in 0..100 {
            conn.send_binary(b"").unwrap();
        }
        keys.extend(found(&written(&mut conn)).into_iter().map(|f| f.key));
    }
    keys.sort();
    keys.dedup();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //= type=test
    //# The masking key needs to
    //# be unpredictable; thus, the masking key MUST be derived from a strong
    //# source of entropy, and the masking key for a given frame MUST NOT
    //# make it simple for a server/proxy to predict the masking key for a
    //# subsequent frame.
    // Two of 400 random keys are equal once in 50,000 runs; three such pairs never are.
    assert!(keys.len() > 397, "{} different keys of 400", keys.len());
}

#[test]
fn server_masks_no_frame() {
    let mut conn = open::<Server>();
    conn.send_text("text").unwrap();
    conn.send(vec![7; 5000]).unwrap();
    conn.send_prepared(&sockless::Prepared::text("prepared")).unwrap();
    conn.ping(b"", START).unwrap();
    feed(&mut conn, &peer::<Server>(FIN | PING, b"ping"));
    conn.close(None, "", START).unwrap();
    let frames = found(&written(&mut conn));
    assert_eq!(frames.len(), 6);
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
    //= type=test
    //# A server MUST NOT mask any frames that it sends to
    //# the client.
    assert!(frames.iter().all(|frame| frame.key.is_none()));
}

fn receives_reserved_bit_fails_1002<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //= type=test
    //# frame-rsv1 = %x0 / %x1 ; 1 bit in length, MUST be 0 unless ; negotiated otherwise
    //# frame-rsv2 = %x0 / %x1 ; 1 bit in length, MUST be 0 unless ; negotiated otherwise
    //# frame-rsv3 = %x0 / %x1 ; 1 bit in length, MUST be 0 unless ; negotiated otherwise
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //= type=test
    //# MUST be 0 unless an extension is negotiated that defines meanings
    //# for non-zero values.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //= type=test
    //# If a nonzero value is received and none of
    //# the negotiated extensions defines the meaning of such a nonzero
    //# value, the receiving endpoint MUST _Fail the WebSocket
    //# Connection_.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.8
    //= type=test
    //# The endpoints of a connection
    //# MUST negotiate the use of any extensions during the opening
    //# handshake.
    for rsv in 1..8 {
        for opcode in [TEXT, BINARY] {
            for fin in [FIN, 0] {
                let bad = peer::<R>(fin | rsv << 4 | opcode, b"payload");
                Wrong::new(bad, 1, Violation::ReservedBits, 1002).check::<R>();
            }
        }
    }
}

fn receives_reserved_bit_on_control_frame_fails_1002<R: Tested>() {
    for rsv in [RSV1, RSV2, RSV3] {
        for opcode in [PING, PONG, CLOSE] {
            let bad = peer::<R>(FIN | rsv | opcode, b"");
            Wrong::new(bad, 1, Violation::ReservedBits, 1002).check::<R>();
        }
    }
}

fn receives_reserved_bit_on_continuation_fails_1002<R: Tested>() {
    for rsv in [RSV1, RSV2, RSV3] {
        let bad = peer::<R>(FIN | rsv | CONTINUATION, b"");
        Wrong::new(bad, 1, Violation::ReservedBits, 1002)
            .before(peer::<R>(TEXT, b"begun"), &[])
            .check::<R>();
    }
}

fn receives_reserved_opcode_fails_1002<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //= type=test
    //# If an unknown
    //# opcode is received, the receiving endpoint MUST _Fail the
    //# WebSocket Connection_.
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        for fin in [FIN, 0] {
            let bad = peer::<R>(fin | opcode, b"payload");
            Wrong::new(bad, 1, Violation::ReservedOpcode, 1002).check::<R>();
        }
    }
}

fn receives_16_bit_length_below_126_fails_1002<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //= type=test
    //# Note that
    //# in all cases, the minimal number of bytes MUST be used to encode
    //# the length, for example, the length of a 124-byte-long string
    //# can't be encoded as the sequence 126, 0, 124.
    for len in [0_u16, 1, 124, 125] {
        let mut bad = peer_header::<R>(FIN | BINARY, 126, &len.to_be_bytes());
        bad.resize(bad.len() + usize::from(len), 0);
        Wrong::new(bad, 4, Violation::NonMinimalLength, 1002).check::<R>();
    }
}

fn receives_64_bit_length_below_65536_fails_1002<R: Tested>() {
    for len in [0_u64, 1, 125, 126, 65535] {
        let mut bad = peer_header::<R>(FIN | BINARY, 127, &len.to_be_bytes());
        bad.resize(bad.len() + len as usize, 0);
        Wrong::new(bad, 8, Violation::NonMinimalLength, 1002).check::<R>();
    }
}

fn receives_64_bit_length_with_top_bit_fails_1002<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //= type=test
    //# If 127, the
    //# following 8 bytes interpreted as a 64-bit unsigned integer (the
    //# most significant bit MUST be 0) are the payload length.
    for len in [1 << 63, 1 << 63 | 5, u64::MAX] {
        let bad = peer_header::<R>(FIN | BINARY, 127, &len.to_be_bytes());
        Wrong::new(bad, 3, Violation::LengthOverflow, 1002).check::<R>();
    }
}

fn receives_every_form_of_length<R: Tested>() {
    for len in [0, 1, 125, 126, 127, 255, 256, 65535, 65536, 70000] {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //= type=test
        //# Multibyte length quantities are expressed in network byte order.
        let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
        let mut conn = open::<R>();
        let bytes = peer::<R>(FIN | BINARY, &payload);
        assert_eq!(feed(&mut conn, &bytes), [binary(&payload)]);
        assert_eq!(feed(&mut conn, &bytes), [binary(&payload)]);
        for piece in bytes.chunks(999) {
            let last = piece.as_ptr_range().end == bytes.as_ptr_range().end;
            let expected = if last { vec![binary(&payload)] } else { vec![] };
            assert_eq!(feed(&mut conn, piece), expected);
        }
    }
}

fn sends_the_shortest_form_of_length<R: Tested>() {
    let forms = [(0, 2), (125, 2), (126, 4), (65535, 4), (65536, 10), (70000, 10)];
    let key = if R::MASKS { 4 } else { 0 };
    // With room in a lent buffer, a message takes another way than into an output that is made for it.
    let rooms = [None, Some(1 << 17)];
    for (room, (len, header)) in rooms.iter().flat_map(|room| forms.map(|form| (room, form))) {
        let mut conn = open::<R>();
        if let Some(room) = room {
            conn.lend(Loan::Output, Vec::with_capacity(*room)).unwrap();
        }
        conn.send_binary(&vec![0; len]).unwrap();
        let bytes = written(&mut conn);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //= type=test
        //# Note that
        //# in all cases, the minimal number of bytes MUST be used to encode
        //# the length, for example, the length of a 124-byte-long string
        //# can't be encoded as the sequence 126, 0, 124.
        assert_eq!(bytes.len(), header + key + len);
        assert_eq!(found(&bytes)[0].payload.len(), len);
    }
}

fn sends_no_reserved_bits<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("text").unwrap();
    conn.begin_binary(b"a", false).unwrap();
    conn.continue_binary(b"b", true).unwrap();
    conn.ping(b"", START).unwrap();
    conn.close(None, "", START).unwrap();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    //= type=test
    //# MUST be 0 unless an extension is negotiated that defines meanings
    //# for non-zero values.
    for (first, _) in sent(&mut conn) {
        assert_eq!(first & (RSV1 | RSV2 | RSV3), 0);
    }
}

fn receives_frame_cut_at_any_byte<R: Tested>() {
    let bytes = [
        peer::<R>(FIN | TEXT, "grüße".as_bytes()),
        peer::<R>(FIN | PING, b"ping"),
        peer::<R>(FIN | BINARY, &[9; 130]),
    ]
    .concat();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
    //= type=test
    //# Incoming data MUST be parsed as WebSocket frames
    //# as defined in Section 5.2.
    let expected = [text("grüße"), Seen::Ping(b"ping".to_vec()), binary(&[9; 130])];
    for cut in 0..=bytes.len() {
        let mut conn = open::<R>();
        let mut events = feed(&mut conn, &bytes[..cut]);
        events.extend(feed(&mut conn, &bytes[cut..]));
        assert_eq!(events, expected, "cut at {cut}");
    }
}

fn keeps_the_mask_phase_over_reads<R: Tested>() {
    let payload: Vec<u8> = (0..=255).collect();
    let bytes = peer::<R>(FIN | BINARY, &payload);
    for size in 1..9 {
        let mut conn = open::<R>();
        let events: Vec<Seen> =
            bytes.chunks(size).flat_map(|chunk| feed(&mut conn, chunk)).collect();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
        //= type=test
        //# A server MUST remove masking for data frames received from a client
        //# as described in Section 5.3.
        assert_eq!(events, [binary(&payload)]);
    }
}

fn restarts_the_mask_phase_at_every_frame<R: Tested>() {
    let mut conn = open::<R>();
    let bytes = [
        peer::<R>(BINARY, b"a"),
        peer::<R>(FIN | PING, b"xyz"),
        peer::<R>(CONTINUATION, b"bc"),
        peer::<R>(FIN, b"def"),
    ]
    .concat();
    assert_eq!(feed(&mut conn, &bytes), [Seen::Ping(b"xyz".to_vec()), binary(b"abcdef")]);
}

#[test]
fn server_receives_all_zero_masking_key() {
    let mut conn = open::<Server>();
    let bytes = frame(FIN | TEXT, Some([0; 4]), b"zero");
    assert_eq!(feed(&mut conn, &bytes), [text("zero")]);
    assert_eq!(drip(&mut conn, &bytes), [(bytes.len(), text("zero"))]);
}

#[test]
fn examples_of_section_5_7_are_understood() {
    let mut client = open::<Client>();
    let mut server = open::<Server>();
    let plain = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(feed(&mut client, &plain), [text("Hello")]);
    let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(feed(&mut server, &masked), [text("Hello")]);
    let fragmented = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    assert_eq!(feed(&mut client, &fragmented), [text("Hello")]);
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(feed(&mut client, &ping), [Seen::Ping(b"Hello".to_vec())]);
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(feed(&mut server, &pong), [Seen::Pong(b"Hello".to_vec(), None)]);
    let mut bytes = vec![0x82, 0x7E, 0x01, 0x00];
    bytes.extend([1; 256]);
    assert_eq!(feed(&mut client, &bytes), [binary(&[1; 256])]);
    let mut bytes = vec![0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0];
    bytes.extend(vec![2; 65536]);
    assert_eq!(feed(&mut client, &bytes), [binary(&vec![2; 65536])]);
}

fn gives_back_what_was_not_consumed<R: Tested>() {
    let one = peer::<R>(FIN | TEXT, b"one");
    let two = peer::<R>(FIN | TEXT, b"two");
    let mut bytes = [one, two.clone()].concat();
    let mut conn = open::<R>();
    let mut input = Input::new(&mut bytes);
    assert!(matches!(conn.poll(&mut input, START), Some(Event::Text(t)) if t == *"one"));
    let rest = input.into_rest().to_vec();
    assert_eq!(rest, two);
    assert_eq!(feed(&mut conn, &rest), [text("two")]);
}

fn sends_text_and_binary_with_their_opcodes<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
    //= type=test
    //# An unfragmented message consists of a single frame with the FIN bit set (Section
    //# 5.2) and an opcode other than 0.
    let mut conn = open::<R>();
    conn.send_text("text").unwrap();
    conn.send_binary(b"binary").unwrap();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //= type=test
    //# The opcode (frame-opcode) of the first frame containing the data
    //# MUST be set to the appropriate value from Section 5.2 for data
    //# that is to be interpreted by the recipient as text or binary
    //# data.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //= type=test
    //# To _Send a WebSocket Message_ comprising of /data/ over a WebSocket
    //# connection, an endpoint MUST perform the following steps.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //= type=test
    //# An endpoint MUST encapsulate the /data/ in a WebSocket frame as
    //# defined in Section 5.2.
    assert_eq!(
        sent(&mut conn),
        [(FIN | TEXT, b"text".to_vec()), (FIN | BINARY, b"binary".to_vec())]
    );
}

fn echoes_every_octet_unchanged<R: Tested>() {
    let payload: Vec<u8> = (0..=255).cycle().take(1021).collect();
    let mut conn = open::<R>();
    let mut bytes = peer::<R>(FIN | BINARY, &payload);
    let mut input = Input::new(&mut bytes);
    while let Some(event) = conn.poll(&mut input, START) {
        if let Event::Binary(data) = event {
            conn.send_binary(&data).unwrap();
        }
    }
    assert_eq!(sent(&mut conn), [(FIN | BINARY, payload)]);
}

#[cfg(feature = "getrandom")]
#[test]
fn generator_draws_other_bytes_each_time() {
    use sockless::connection::{Entropy as _, Generator};
    let fill = |generator: &mut Generator| {
        let mut bytes = [0; 32];
        generator.fill(&mut bytes);
        bytes
    };
    let (mut one, mut same) = (Generator::from_seed([7; 32]), Generator::from_seed([7; 32]));
    let first = fill(&mut one);
    assert_eq!(fill(&mut same), first);
    assert_eq!(one.key(), same.key());
    let drawn = [first, fill(&mut one), fill(&mut Generator::from_seed([8; 32]))];
    let fresh = [fill(&mut Generator::new()), fill(&mut Generator::default()), [0; 32]];
    let all: std::collections::HashSet<_> = drawn.into_iter().chain(fresh).collect();
    assert_eq!(all.len(), 6);
    assert_ne!(one.key(), one.key());
}
