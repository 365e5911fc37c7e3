//! UTF-8 in pieces, masked and not, at every SIMD level: against the standard library, octet by octet.

use arbitrary::Arbitrary;
use sockless::words::mask::Mask;
use sockless::words::simd::Level;
use sockless::words::text;
use sockless::words::utf8::Utf8;

use crate::cuts::Cuts;

#[derive(Arbitrary, Debug)]
struct Input {
    cuts: Cuts,
    key: [u8; 4],
    /// ASCII before it, so that the vectors' way is taken.
    before: u8,
    pieces: Vec<Piece>,
}

#[derive(Arbitrary, Debug)]
enum Piece {
    Text(String),
    Bytes(Vec<u8>),
    Ascii(u8),
}

pub fn check(data: &[u8]) {
    // As they are, cut into single octets; and with structure.
    hold(data, &Cuts::single(), [1, 2, 3, 4]);
    hold(data, &Cuts::whole(), [0; 4]);
    if let Some(Input { cuts, key, before, pieces }) = crate::input(data) {
        let mut bytes = vec![b'a'; before.into()];
        for piece in pieces {
            match piece {
                Piece::Text(text) => bytes.extend(text.into_bytes()),
                Piece::Bytes(piece) => bytes.extend(piece),
                Piece::Ascii(count) => bytes.resize(bytes.len() + usize::from(count), b'z'),
            }
        }
        hold(&bytes, &cuts, key);
        hold(&bytes, &Cuts::single(), key);
        hold(&bytes, &Cuts::whole(), key);
    }
}

/// The index of the first octet that no text can have there; and how many octets are missing at the end.
fn reference(bytes: &[u8]) -> Result<usize, usize> {
    let Err(error) = std::str::from_utf8(bytes) else { return Ok(0) };
    let from = error.valid_up_to();
    let missing = |part: &[u8]| -> Option<usize> {
        // What can still become a code point does so with some of these behind it.
        let tails = [&b"\x80"[..], b"\x90", b"\xA0", b"\x80\x80", b"\x90\x80", b"\xA0\x80"];
        let tails = tails.into_iter().chain([&b"\x80\x80\x80"[..], b"\x90\x80\x80"]);
        let whole = tails.filter(|tail| std::str::from_utf8(&[part, tail].concat()).is_ok());
        whole.map(<[u8]>::len).min()
    };
    for end in from + 1..=bytes.len() {
        if missing(&bytes[from..end]).is_none() {
            return Err(end - 1);
        }
    }
    Ok(missing(&bytes[from..]).expect("cut inside a code point"))
}

fn hold(bytes: &[u8], cuts: &Cuts, key: [u8; 4]) {
    let expected = reference(bytes);
    let masked: Vec<u8> = bytes.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect();
    for level in Level::available() {
        let (mut plain, mut placed, mut appended) = (Utf8::new(), Utf8::new(), Utf8::new());
        let mut out = Vec::new();
        let mut failed = None;
        for read in cuts.reads(bytes.len()) {
            let mask = Mask::new(key).advanced(read.start);
            let mut piece = masked[read.clone()].to_vec();
            let ways = [
                plain.push(&bytes[read.clone()]),
                text::unmask(mask, level, &mut piece, &mut placed),
                text::append(mask, level, &masked[read.clone()], &mut out, &mut appended),
            ];
            assert_eq!(ways, [ways[0]; 3], "{level:?}");
            let good = ways[0].err().unwrap_or(read.len());
            assert_eq!(piece[..good], bytes[read.start..read.start + good]);
            assert_eq!(out[read.start..read.start + good], bytes[read.start..read.start + good]);
            if let Err(at) = ways[0] {
                failed = Some(read.start + at);
                break;
            }
            assert_eq!((plain, plain), (placed, appended));
        }
        match expected {
            Err(at) => assert_eq!(failed, Some(at), "{bytes:?} {cuts:?}"),
            Ok(missing) => {
                assert_eq!((failed, plain.missing()), (None, missing), "{bytes:?} {cuts:?}");
                assert_eq!(plain.is_complete(), missing == 0);
                let incomplete = plain.partial();
                assert!(bytes.ends_with(incomplete));
                let whole = &bytes[..bytes.len() - incomplete.len()];
                assert!(std::str::from_utf8(whole).is_ok());
            }
        }
    }
}
