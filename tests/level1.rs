//! Level 1: the decoder, the encoder and the header codec, without a connection.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use sockless::frame::{
    ControlFrame, Decoder, Encoder, Fragment, Header, Input, Limits, Misuse, Violation,
};
use sockless::words::opcode::Opcode;
use sockless::words::role::Role;
use sockless::{Client, CloseCode, Kind, Server};

use crate::wire::*;

in_both_roles!(
    decodes_pieces_as_they_arrive,
    decodes_every_frame_with_a_first_piece,
    decodes_control_payload_in_pieces,
    decodes_text_in_pieces_cut_anywhere,
    violation_comes_after_the_pieces_before_it,
    violation_is_the_same_at_every_call,
    violation_stops_the_input,
    every_violation_of_a_header_at_its_byte,
    copied_input_gives_back_what_was_not_consumed_where_it_has_a_place,
    claimed_bit_is_accepted_on_first_data_frames_only,
    piece_tells_the_reserved_bits_of_its_frame,
    claimed_message_is_not_checked,
    limits_may_change_between_calls,
    clones_stand_where_they_stood,
    refuses_every_illegal_frame,
    refused_frames_change_nothing,
    encodes_what_the_peer_decodes,
    sends_pongs_after_close_and_nothing_else,
    marks_transformed_messages_on_their_first_frame,
);

/// A piece: opcode, FIN, whether it begins the frame, payload, what remains.
type Pieces = Vec<(Opcode, bool, bool, Vec<u8>, u64)>;

fn decode<R: Role>(decoder: &mut Decoder<R>, bytes: &[u8]) -> (Pieces, Result<(), Violation>) {
    let mut bytes = bytes.to_vec();
    let mut input = Input::new(&mut bytes);
    let mut pieces = Vec::new();
    loop {
        match decoder.decode(&mut input, &Limits::default()) {
            Ok(Some(p)) => {
                pieces.push((p.opcode, p.fin, p.begins, p.payload.to_vec(), p.remaining));
            }
            Ok(None) => {
                assert!(input.is_empty());
                return (pieces, Ok(()));
            }
            Err(violation) => return (pieces, Err(violation)),
        }
    }
}

fn decodes_pieces_as_they_arrive<R: Tested>() {
    let mut decoder = Decoder::<R>::new();
    let bytes = peer::<R>(FIN | BINARY, b"abcdef");
    let header = bytes.len() - 6;
    assert_eq!(decode(&mut decoder, &bytes[..header - 1]), (vec![], Ok(())));
    // The end of the header is a piece.
    assert_eq!(
        decode(&mut decoder, &bytes[header - 1..header]).0,
        [(Opcode::Binary, true, true, vec![], 6)]
    );
    assert_eq!(
        decode(&mut decoder, &bytes[header..header + 2]).0,
        [(Opcode::Binary, true, false, b"ab".to_vec(), 4)]
    );
    assert_eq!(
        decode(&mut decoder, &bytes[header + 2..]).0,
        [(Opcode::Binary, true, false, b"cdef".to_vec(), 0)]
    );
    // And the next frame.
    assert_eq!(
        decode(&mut decoder, &peer::<R>(FIN | TEXT, b"x")).0,
        [(Opcode::Text, true, true, b"x".to_vec(), 0)]
    );
}

fn decodes_every_frame_with_a_first_piece<R: Tested>() {
    let mut decoder = Decoder::<R>::new();
    let bytes = [
        peer::<R>(TEXT, b""),
        peer::<R>(FIN | PING, b""),
        peer::<R>(CONTINUATION, b""),
        peer::<R>(FIN, b"z"),
        peer::<R>(FIN | CLOSE, b""),
    ]
    .concat();
    assert_eq!(
        decode(&mut decoder, &bytes).0,
        [
            (Opcode::Text, false, true, vec![], 0),
            (Opcode::Ping, true, true, vec![], 0),
            (Opcode::Continuation, false, true, vec![], 0),
            (Opcode::Continuation, true, true, b"z".to_vec(), 0),
            (Opcode::Close, true, true, vec![], 0),
        ]
    );
}

fn decodes_control_payload_in_pieces<R: Tested>() {
    let mut decoder = Decoder::<R>::new();
    let bytes = peer::<R>(FIN | CLOSE, &close_body(1000, "tschüß".as_bytes()));
    let mut payload = Vec::new();
    for byte in bytes {
        let (pieces, result) = decode(&mut decoder, &[byte]);
        assert_eq!(result, Ok(()));
        payload.extend(pieces.into_iter().flat_map(|piece| piece.3));
    }
    assert_eq!(payload, close_body(1000, "tschüß".as_bytes()));
}

fn decodes_text_in_pieces_cut_anywhere<R: Tested>() {
    let text = "a😀€ü".as_bytes();
    let bytes = peer::<R>(FIN | TEXT, text);
    for cut in 0..bytes.len() {
        let mut decoder = Decoder::<R>::new();
        let (mut pieces, first) = decode(&mut decoder, &bytes[..cut]);
        let (more, second) = decode(&mut decoder, &bytes[cut..]);
        assert_eq!((first, second), (Ok(()), Ok(())));
        pieces.extend(more);
        let payload: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.3).collect();
        assert_eq!(payload, text);
    }
}

fn violation_comes_after_the_pieces_before_it<R: Tested>() {
    let mut decoder = Decoder::<R>::new();
    let bytes = [peer::<R>(FIN | BINARY, b"good"), peer::<R>(FIN | TEXT, b"go\xFFod")].concat();
    let (pieces, result) = decode(&mut decoder, &bytes);
    assert_eq!(result, Err(Violation::InvalidText));
    assert_eq!(
        pieces,
        [
            (Opcode::Binary, true, true, b"good".to_vec(), 0),
            (Opcode::Text, true, true, b"go".to_vec(), 3)
        ]
    );
}

fn violation_is_the_same_at_every_call<R: Tested>() {
    let mut decoder = Decoder::<R>::new();
    for _ in 0..3 {
        let (pieces, result) = decode(&mut decoder, &peer::<R>(FIN | 0x3, b""));
        assert_eq!((pieces, result), (vec![], Err(Violation::ReservedOpcode)));
        let (pieces, result) = decode(&mut decoder, &peer::<R>(FIN | TEXT, b"good"));
        assert_eq!((pieces, result), (vec![], Err(Violation::ReservedOpcode)));
    }
}

fn violation_stops_the_input<R: Tested>() {
    let mut decoder = Decoder::<R>::new();
    let mut bytes = [&[FIN | 0x3][..], b"not looked at"].concat();
    let mut input = Input::new(&mut bytes);
    decoder.decode(&mut input, &Limits::default()).unwrap_err();
    assert_eq!(input.len(), 13);
    decoder.decode(&mut input, &Limits::default()).unwrap_err();
    assert_eq!(input.into_rest(), b"not looked at");
}

fn every_violation_of_a_header_at_its_byte<R: Tested>() {
    let begun = peer::<R>(TEXT, b"");
    let wrong_mask = frame(FIN | BINARY, if R::MASKS { Some(KEY) } else { None }, b"x");
    let masking = if R::MASKS { Violation::MaskedFrame } else { Violation::UnmaskedFrame };
    let none: &[u8] = b"";
    let cases: &[(&[u8], Vec<u8>, usize, Violation)] = &[
        (none, peer::<R>(FIN | RSV1 | TEXT, b""), 1, Violation::ReservedBits),
        (none, peer::<R>(FIN | RSV2 | PING, b""), 1, Violation::ReservedBits),
        (none, peer::<R>(FIN | 0xB, b""), 1, Violation::ReservedOpcode),
        (none, peer::<R>(PONG, b""), 1, Violation::FragmentedControl),
        (none, peer::<R>(FIN, b""), 1, Violation::UnexpectedContinuation),
        (&begun, peer::<R>(FIN | TEXT, b""), 1, Violation::InterruptedMessage),
        (none, wrong_mask, 2, masking),
        (none, peer_header::<R>(FIN | PING, 126, &[0, 126]), 2, Violation::LongControl),
        (none, peer::<R>(FIN | CLOSE, b"x"), 2, Violation::TruncatedCloseCode),
        (none, peer_header::<R>(FIN | TEXT, 127, &[0x80; 8]), 3, Violation::LengthOverflow),
        (none, peer_header::<R>(FIN | TEXT, 126, &[0, 125]), 4, Violation::NonMinimalLength),
        (none, peer_header::<R>(FIN | TEXT, 127, &[0; 8]), 8, Violation::NonMinimalLength),
    ];
    for (before, bytes, at, violation) in cases {
        let mut decoder = Decoder::<R>::new();
        decode(&mut decoder, before).1.unwrap();
        for (i, byte) in bytes[..*at].iter().enumerate() {
            let result = decode(&mut decoder, &[*byte]);
            let expected = if i + 1 == *at { Err(*violation) } else { Ok(()) };
            assert_eq!(result, (vec![], expected), "{bytes:x?}");
        }
    }
}

fn copied_input_gives_back_what_was_not_consumed_where_it_has_a_place<R: Tested>() {
    let first = peer::<R>(FIN | BINARY, b"first");
    let bytes = [&first[..], &peer::<R>(FIN | BINARY, b"second")].concat();
    let mut place = [0xA5; 64];
    let start = place.as_ptr();
    let mut input = Input::copied(&bytes, &mut place);
    assert_eq!(input.len(), bytes.len());
    let piece = Decoder::<R>::new().decode(&mut input, &Limits::default()).unwrap().unwrap();
    assert_eq!(piece.payload, b"first");
    let rest = input.into_rest();
    assert_eq!(rest, &bytes[first.len()..]);
    assert_eq!(rest.as_ptr(), start.wrapping_add(first.len()));
    assert_eq!(place[bytes.len()..], [0xA5; 64][bytes.len()..], "nothing else was written");
}

fn claimed_bit_is_accepted_on_first_data_frames_only<R: Tested>() {
    let claiming = || Decoder::<R>::new().claiming_rsv1();
    for first in [FIN | RSV1 | TEXT, RSV1 | BINARY, FIN | TEXT] {
        assert_eq!(decode(&mut claiming(), &peer::<R>(first, b"x")).1, Ok(()));
    }
    for first in [RSV1 | FIN | PING, RSV1 | FIN | CLOSE, RSV2 | TEXT, RSV1 | RSV3 | BINARY] {
        assert_eq!(decode(&mut claiming(), &peer::<R>(first, b"")).1, Err(Violation::ReservedBits));
    }
    let mut decoder = claiming();
    decode(&mut decoder, &peer::<R>(RSV1 | TEXT, b"x")).1.unwrap();
    assert_eq!(decode(&mut decoder, &peer::<R>(RSV1 | FIN, b"x")).1, Err(Violation::ReservedBits));
}

fn piece_tells_the_reserved_bits_of_its_frame<R: Tested>() {
    let mut decoder = Decoder::<R>::new().claiming_rsv1();
    for (first, rsv) in [
        (FIN | RSV1 | TEXT, 4),
        (FIN | TEXT, 0),
        (RSV1 | BINARY, 4),
        (FIN | PING, 0),
        (CONTINUATION, 0),
        (FIN, 0),
    ] {
        let mut bytes = peer::<R>(first, b"payload");
        // The same in each of the frame's pieces.
        let (begin, rest) = bytes.split_at_mut(8);
        for bytes in [begin, rest] {
            let mut input = Input::new(bytes);
            let piece = decoder.decode(&mut input, &Limits::default()).unwrap().unwrap();
            assert_eq!(piece.rsv, rsv, "{first:#x}");
        }
    }
}

fn claimed_message_is_not_checked<R: Tested>() {
    let mut decoder = Decoder::<R>::new().claiming_rsv1();
    let bytes =
        [peer::<R>(RSV1 | TEXT, b"\xFF"), peer::<R>(FIN, b"\xFE"), peer::<R>(FIN | TEXT, b"\xFF")]
            .concat();
    let (pieces, result) = decode(&mut decoder, &bytes);
    assert_eq!(pieces.len(), 3);
    assert_eq!(result, Err(Violation::InvalidText));
}

fn limits_may_change_between_calls<R: Tested>() {
    let mut decoder = Decoder::<R>::new();
    let mut bytes = peer::<R>(FIN | BINARY, b"four");
    let low = Limits::default().with_frame(3);
    decoder.decode(&mut Input::new(&mut bytes.clone()), &Limits::default()).unwrap().unwrap();
    let result = decoder.decode(&mut Input::new(&mut bytes), &low).map(drop);
    assert_eq!(result, Err(Violation::FrameTooLong));
}

fn clones_stand_where_they_stood<R: Tested>() {
    let bytes = peer::<R>(FIN | TEXT, "grüße".as_bytes());
    let mut decoder = Decoder::<R>::new();
    for i in 0..bytes.len() {
        let mut clone = decoder.clone();
        decode(&mut clone, &bytes[i..]).1.unwrap();
        decode(&mut clone, &peer::<R>(FIN | PING, b"")).1.unwrap();
        decode(&mut decoder, &bytes[i..=i]).1.unwrap();
    }
}

const WHOLE: Fragment = Fragment { first: Some(Kind::Binary), fin: true, rsv1: false, len: 2 };

/// A key for the role under test.
trait Keyed: Role {
    const A_KEY: Self::Key;
}

impl Keyed for Server {
    const A_KEY: () = ();
}

impl Keyed for Client {
    const A_KEY: [u8; 4] = KEY;
}

fn refuses_every_illegal_frame<R: Keyed>() {
    let continuation = Fragment { first: None, ..WHOLE };
    let key = R::A_KEY;
    let mut encoder = Encoder::<R>::new();
    let begin = |encoder: &mut Encoder<R>, fragment| encoder.begin(fragment, key).map(drop);
    assert_eq!(begin(&mut encoder, continuation), Err(Misuse::NoMessage));
    let long = Fragment { len: 1 << 63, ..WHOLE };
    assert_eq!(begin(&mut encoder, long), Err(Misuse::LengthOverflow));
    assert_eq!(encoder.payload(&mut [1]), Err(Misuse::FrameOverrun));
    begin(&mut encoder, Fragment { fin: false, ..WHOLE }).unwrap();
    assert_eq!(encoder.remaining(), 2);
    assert_eq!(begin(&mut encoder, continuation), Err(Misuse::FrameOpen));
    assert_eq!(encoder.ping(b"", key).map(drop), Err(Misuse::FrameOpen));
    assert_eq!(encoder.pong(b"", key).map(drop), Err(Misuse::FrameOpen));
    assert_eq!(encoder.close(None, "", key).map(drop), Err(Misuse::FrameOpen));
    assert_eq!(encoder.payload(&mut [1, 2, 3]), Err(Misuse::FrameOverrun));
    encoder.payload(&mut [1, 2]).unwrap();
    assert_eq!(encoder.message(), Some(Kind::Binary));
    assert_eq!(begin(&mut encoder, WHOLE), Err(Misuse::MessageOpen));
    assert_eq!(encoder.ping(&[0; 126], key).map(drop), Err(Misuse::LongControl));
    assert_eq!(encoder.pong(&[0; 126], key).map(drop), Err(Misuse::LongControl));
    let long = "x".repeat(124);
    let normal = Some(CloseCode::NORMAL);
    assert_eq!(encoder.close(normal, &long, key).map(drop), Err(Misuse::LongReason));
    assert_eq!(encoder.close(None, "x", key).map(drop), Err(Misuse::ReasonWithoutCode));
    assert!(!encoder.is_closed());
    begin(&mut encoder, continuation).unwrap();
    encoder.payload(&mut [1, 2]).unwrap();
    assert_eq!(encoder.message(), None);
}

fn refused_frames_change_nothing<R: Keyed>() {
    let key = R::A_KEY;
    let mut encoder = Encoder::<R>::new();
    let text = Fragment { first: Some(Kind::Text), fin: false, rsv1: false, len: 2 };
    encoder.begin(text, key).unwrap();
    let mut payload = *b"a\xC3";
    encoder.payload(&mut payload).unwrap();
    let last = Fragment { first: None, fin: true, rsv1: false, len: 0 };
    assert_eq!(encoder.begin(last, key).map(drop), Err(Misuse::InvalidText));
    encoder.begin(Fragment { len: 1, ..last }, key).unwrap();
    let mut wrong = *b"b";
    assert_eq!(encoder.payload(&mut wrong), Err(Misuse::InvalidText));
    assert_eq!(wrong, *b"b");
    assert_eq!(encoder.remaining(), 1);
    encoder.payload(&mut [0xA9]).unwrap();
    assert_eq!((encoder.remaining(), encoder.message()), (0, None));
}

fn encodes_what_the_peer_decodes<R: Keyed>() {
    let key = R::A_KEY;
    let mut encoder = Encoder::<R>::new();
    let mut bytes = Vec::new();
    let mut payload: Vec<u8> = (0..200).collect();
    let fragment = Fragment { len: 200, ..WHOLE };
    bytes.extend_from_slice(&encoder.begin(fragment, key).unwrap());
    for piece in payload.chunks_mut(7) {
        encoder.payload(piece).unwrap();
        bytes.extend_from_slice(piece);
    }
    bytes.extend_from_slice(&encoder.ping(b"ping", key).unwrap());
    bytes.extend_from_slice(&encoder.close(CloseCode::new(3000), "bye", key).unwrap());
    let frames = found(&bytes);
    let expected: Vec<u8> = (0..200).collect();
    assert_eq!(frames[0].pair(), (FIN | BINARY, &expected[..]));
    assert_eq!(frames[1].pair(), (FIN | PING, &b"ping"[..]));
    assert_eq!(frames[2].pair(), (FIN | CLOSE, &close_body(3000, b"bye")[..]));
    assert!(frames.iter().all(|frame| frame.key == R::octets(key)));

    let mut decoder = Decoder::<R::Peer>::new();
    let (pieces, result) = decode(&mut decoder, &bytes);
    assert_eq!(result, Ok(()));
    assert_eq!(pieces[0], (Opcode::Binary, true, true, expected, 0));
    assert_eq!(pieces[2].3, close_body(3000, b"bye"));
}

fn sends_pongs_after_close_and_nothing_else<R: Keyed>() {
    let key = R::A_KEY;
    let mut encoder = Encoder::<R>::new();
    encoder.begin(Fragment { fin: false, len: 0, ..WHOLE }, key).unwrap();
    encoder.close(None, "", key).unwrap();
    assert!(encoder.is_closed());
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //= type=test
    //# The application MUST NOT send any more data frames after sending a
    //# Close frame.
    assert_eq!(encoder.begin(WHOLE, key).map(drop), Err(Misuse::Closed));
    let continuation = Fragment { first: None, ..WHOLE };
    assert_eq!(encoder.begin(continuation, key).map(drop), Err(Misuse::Closed));
    assert_eq!(encoder.ping(b"", key).map(drop), Err(Misuse::Closed));
    assert_eq!(encoder.close(None, "", key).map(drop), Err(Misuse::Closed));
    encoder.pong(b"still owed", key).unwrap();
}

fn marks_transformed_messages_on_their_first_frame<R: Keyed>() {
    let key = R::A_KEY;
    let mut encoder = Encoder::<R>::new();
    let first = Fragment { first: Some(Kind::Text), fin: false, rsv1: true, len: 1 };
    let mut bytes = encoder.begin(first, key).unwrap().to_vec();
    // What an extension has made is not text any more.
    let mut payload = [0xFF];
    encoder.payload(&mut payload).unwrap();
    bytes.extend(payload);
    let last = Fragment { first: None, fin: true, rsv1: true, len: 0 };
    bytes.extend_from_slice(&encoder.begin(last, key).unwrap());
    let frames = found(&bytes);
    assert_eq!(frames[0].pair(), (RSV1 | TEXT, &[0xFF][..]));
    assert_eq!(frames[1].pair(), (FIN | CONTINUATION, &[][..]));
}

#[test]
fn header_round_trips() {
    let opcodes = [
        Opcode::Continuation,
        Opcode::Text,
        Opcode::Binary,
        Opcode::Close,
        Opcode::Ping,
        Opcode::Pong,
    ];
    let lens = [0, 1, 125, 126, 127, 65535, 65536, 1 << 32, (1 << 63) - 1];
    for opcode in opcodes {
        for rsv in 0..8 {
            for (mask, fin) in [(None, true), (Some(KEY), false)] {
                for len in lens {
                    let header = Header { fin, rsv, opcode, mask, len };
                    let bytes = header.encode();
                    assert_eq!(Header::decode(&bytes), Ok(Some((header, bytes.len()))));
                    for cut in 0..bytes.len() {
                        assert_eq!(Header::decode(&bytes[..cut]), Ok(None));
                    }
                    let more = [&bytes[..], b"payload"].concat();
                    assert_eq!(Header::decode(&more), Ok(Some((header, bytes.len()))));
                }
            }
        }
    }
}

#[test]
fn header_encodes_the_shortest_length() {
    for (len, expected) in [
        (0, &[0x82, 0][..]),
        (125, &[0x82, 125]),
        (126, &[0x82, 126, 0, 126]),
        (65535, &[0x82, 126, 0xFF, 0xFF]),
        (65536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let header = Header { fin: true, rsv: 0, opcode: Opcode::Binary, mask: None, len };
        assert_eq!(*header.encode(), *expected);
    }
}

#[test]
fn header_refuses_what_no_header_is() {
    for first in [0x83, 0x87, 0x8B, 0x8F] {
        assert_eq!(Header::decode(&[first]), Err(Violation::ReservedOpcode));
    }
    for (bytes, violation) in [
        (&[0x82, 126, 0, 125][..], Violation::NonMinimalLength),
        (&[0x82, 127, 0, 0, 0, 0, 0, 0], Violation::NonMinimalLength),
        (&[0x82, 127, 0x80], Violation::LengthOverflow),
    ] {
        assert_eq!(Header::decode(bytes), Err(violation));
        assert_eq!(Header::decode(&bytes[..bytes.len() - 1]), Ok(None));
    }
}

#[test]
fn relay_passes_frames_on() {
    let mut decoder = Decoder::<Server>::new();
    let mut encoder = Encoder::<Client>::new();
    let mut bytes = [
        peer::<Server>(TEXT, "gr\u{FC}".as_bytes()),
        peer::<Server>(CONTINUATION, "\u{DF}".as_bytes()),
        peer::<Server>(FIN, b"e"),
    ]
    .concat();
    let mut out = Vec::new();
    for chunk in bytes.chunks_mut(5) {
        let mut input = Input::new(chunk);
        while let Some(piece) = decoder.decode(&mut input, &Limits::default()).unwrap() {
            if piece.begins {
                let first = (piece.opcode == Opcode::Text).then_some(Kind::Text);
                let len = piece.payload.len() as u64 + piece.remaining;
                let fragment = Fragment { first, fin: piece.fin, rsv1: false, len };
                out.extend_from_slice(&encoder.begin(fragment, [1, 2, 3, 4]).unwrap());
            }
            encoder.payload(piece.payload).unwrap();
            out.extend_from_slice(piece.payload);
        }
    }
    let frames = found(&out);
    let payload: Vec<u8> = frames.iter().flat_map(|f| f.payload.clone()).collect();
    assert_eq!(payload, "grüße".as_bytes());
    assert_eq!(frames.len(), 3);
}

#[test]
fn relay_passes_control_frames_on_whole() {
    for len in [0, 1, 4, 125] {
        for cut in [1, 3, 200] {
            let payload: Vec<u8> = (0..len).collect();
            let mut bytes = [
                peer::<Server>(TEXT, b"a"),
                peer::<Server>(FIN | PING, &payload),
                peer::<Server>(FIN | PONG, &payload),
                peer::<Server>(FIN, b"b"),
            ]
            .concat();
            let mut decoder = Decoder::<Server>::new();
            let mut encoder = Encoder::<Client>::new();
            let mut gathered = Vec::new();
            let mut out = Vec::new();
            for chunk in bytes.chunks_mut(cut) {
                let mut input = Input::new(chunk);
                while let Some(piece) = decoder.decode(&mut input, &Limits::default()).unwrap() {
                    if !piece.opcode.is_control() {
                        continue;
                    }
                    // The encoder has no call for a part of a control frame: it comes in pieces and goes on whole.
                    gathered.extend_from_slice(piece.payload);
                    if piece.remaining == 0 {
                        let frame = match piece.opcode {
                            Opcode::Ping => encoder.ping(&gathered, KEY).unwrap(),
                            _ => encoder.pong(&gathered, KEY).unwrap(),
                        };
                        out.extend_from_slice(&frame);
                        gathered.clear();
                    }
                }
            }
            let frames = found(&out);
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //= type=test
            //# As control frames cannot be fragmented, an intermediary MUST NOT attempt to
            //# change the fragmentation of a control frame.
            assert_eq!(frames.len(), 2, "{len} {cut}");
            assert_eq!(frames[0].pair(), (FIN | PING, &payload[..]), "{len} {cut}");
            assert_eq!(frames[1].pair(), (FIN | PONG, &payload[..]), "{len} {cut}");
        }
    }
}

#[test]
fn control_frame_takes_no_more_than_the_longest_and_its_length() {
    // Two bytes, a masking key and 125 bytes of payload.
    assert_eq!(size_of::<ControlFrame>(), 2 + 4 + 125 + 1);
}
