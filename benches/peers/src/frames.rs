//! Frames as they stand on the wire, made and read by the plainest code there is: input for the contenders, and a check of what
//! they write.

/// A final frame from a client. `first` is the first octet: 0x81 for text, 0x82 for binary, 0xC1 for compressed text.
pub fn masked(first: u8, payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
    client_header(first, payload.len(), key, out);
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key));
}

/// The header of such a frame.
pub fn client_header(first: u8, length: usize, key: [u8; 4], out: &mut Vec<u8>) {
    out.push(first);
    match length {
        0..126 => out.push(0x80 | length as u8),
        126..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend((length as u16).to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend(key);
}

/// The length of the header of a server's frame.
pub fn server_header_len(length: usize) -> usize {
    match length {
        0..126 => 2,
        126..0x1_0000 => 4,
        _ => 10,
    }
}

/// The first frame in these bytes, its payload unmasked, and what follows it.
pub fn read(bytes: &[u8]) -> Option<(u8, Vec<u8>, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&second, rest) = rest.split_first()?;
    let (length, rest) = match second & 0x7F {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from_be_bytes(*length) as usize, rest)
        }
        length => (length.into(), rest),
    };
    let (key, rest) = match second & 0x80 {
        0 => ([0; 4], rest),
        _ => rest.split_first_chunk().map(|(key, rest)| (*key, rest))?,
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    let payload = payload.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key);
    Some((first, payload.collect(), rest))
}
