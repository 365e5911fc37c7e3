//! Messages as applications compress them.

/// JSON of 1 KiB, different each time in about every tenth byte.
pub(crate) fn message(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 20
    };
    let mut text = String::from("[");
    while text.len() < 900 {
        let (id, price, count) = (random() % 1_000_000, random() % 100_000, random() % 100);
        let side = if random() % 2 == 0 { "buy" } else { "sell" };
        text += &format!(
            "{{\"id\":{id},\"symbol\":\"ABC-{count}\",\"price\":{}.{:02},\"side\":\"{side}\",\"open\":true}},",
            price / 100,
            price % 100
        );
    }
    text += &format!("{{\"pad\":\"{}\"}}]", "x".repeat(1024 - text.len() - 11));
    assert_eq!(text.len(), 1024);
    text
}
