//! Groups 9 and 10: large messages, many of them, and many fragments. What comes back is compared, octet by octet.

use crate::script::{Case, Cut};
use crate::wire::*;

/// Without optimisation everything is this much smaller than in the suite.
const SCALE: usize = if cfg!(debug_assertions) { 16 } else { 1 };

/// Content in which no place looks like another one: running numbers, as text or as octets.
fn content(kind: u8, len: usize) -> Vec<u8> {
    let numbers = 0..len.div_ceil(8) as u64;
    let mut bytes: Vec<u8> = match kind {
        TEXT => numbers.flat_map(|n| format!("{n:06x}ü").into_bytes()).collect(),
        _ => numbers.flat_map(|n| (n | 0xFE23 << 40).to_le_bytes()).collect(),
    };
    bytes.truncate(len);
    bytes
}

/// Group 9, each case with the cuts it is read in; single bytes where that is quick.
pub(crate) fn group_9() -> Vec<(Case, Vec<Cut>)> {
    let mut cases = Vec::new();
    let kinds = [(1, TEXT), (2, BINARY)];
    for (sub, kind) in kinds {
        for (n, len) in (1..).zip([64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, 16 << 20]) {
            let case = Case::new(format!("9.{sub}.{n}"));
            let first = if n <= 3 { Cut::Bytes(1) } else { Cut::Bytes(4096) };
            cases.push((case.message(kind, &content(kind, len / SCALE)), vec![first, Cut::Whole]));
        }
    }
    for (sub, kind) in kinds {
        let payload = content(kind, (4 << 20) / SCALE);
        for n in 1..=9 {
            let len = (64 << (2 * (n - 1))) / SCALE;
            let case = Case::new(format!("9.{}.{n}", sub + 2)).fragments(kind, &payload, len);
            cases.push((case, vec![Cut::Bytes(999)]));
        }
    }
    for (sub, kind) in kinds {
        let payload = content(kind, (1 << 20) / SCALE);
        for n in 1..=6 {
            let case = Case::new(format!("9.{}.{n}", sub + 4)).message(kind, &payload);
            cases.push((case, vec![Cut::Bytes(32 << n)]));
        }
    }
    for (sub, kind) in kinds {
        for (n, len) in (1..).zip([0, 16, 64, 256, 1024, 4096]) {
            let payload = content(kind, len + 8 * 1000);
            // Every message differs from the one before.
            let id = format!("9.{}.{n}", sub + 6);
            let case = (0..1000 / SCALE)
                .fold(Case::new(id), |case, i| case.message(kind, &payload[8 * i..8 * i + len]));
            let first = if n <= 4 { Cut::Bytes(1) } else { Cut::Bytes(999) };
            cases.push((case, vec![first, Cut::Whole, Cut::Frames]));
        }
    }
    cases
}

/// Group 10: a message that the sender fragments by itself.
pub(crate) fn group_10() -> Vec<Case> {
    vec![Case::new("10.1.1").fragments(TEXT, &[b'*'; 65536], 1300)]
}
