//! What a client under test asks for, by the addresses of Autobahn's fuzzing server.

/// What a client asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) path: String,
    pub(crate) agent: Option<String>,
    /// The number of a case, from 1 on, or its id.
    pub(crate) case: Option<String>,
}

impl Address {
    /// The address of this resource name.
    pub(crate) fn of(name: &str) -> Self {
        let (path, query) = name.split_once('?').unwrap_or((name, ""));
        let mut address = Self { path: path.to_owned(), ..Self::default() };
        for (name, value) in query.split('&').filter_map(|param| param.split_once('=')) {
            match name {
                "agent" => address.agent = Some(unescaped(value)),
                "case" | "casetuple" => address.case = Some(unescaped(value)),
                _ => {}
            }
        }
        address
    }
}

/// A value of a query, as it was before it was put there.
fn unescaped(value: &str) -> String {
    let bytes = value.as_bytes();
    let (mut out, mut i) = (Vec::new(), 0);
    while i < bytes.len() {
        let hex = bytes.get(i + 1..i + 3).and_then(|two| std::str::from_utf8(two).ok());
        match (bytes[i], hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        i += 1;
    }
    // A name in a report, and a part of a file's name: nothing long, nothing that steers a terminal.
    let text = String::from_utf8_lossy(&out);
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_clients_write_it() {
        let address = Address::of("/runCase?case=7&agent=My+Agent%2F1.0%00");
        let expected = Address {
            path: "/runCase".to_owned(),
            agent: Some("My Agent/1.0".to_owned()),
            case: Some("7".to_owned()),
        };
        assert_eq!(address, expected);
        assert_eq!(Address::of("/getCaseCount").agent, None);
        assert_eq!(unescaped("100%"), "100%");
    }
}
