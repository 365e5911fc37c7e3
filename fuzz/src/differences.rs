//! Where Sockless and tungstenite 0.30 are known to differ, each with its reason. Anything else is a finding.

use sockless::connection::Failure;
use sockless::frame::Violation;

use crate::peer::End;
use crate::reference::Item;

/// What both made of the same frames.
pub(crate) struct Frames<'c> {
    pub(crate) failure: Option<Failure>,
    pub(crate) ours: &'c [Item],
    pub(crate) theirs: &'c [Item],
    pub(crate) end: End,
}

/// What both made of the same head, which Sockless accepts.
pub(crate) struct Head<'c> {
    pub(crate) fields: &'c [(&'c str, &'c [u8])],
    /// The request's target; none in an answer.
    pub(crate) target: Option<&'c str>,
}

/// One known difference.
pub(crate) struct Known<C> {
    pub(crate) what: &'static str,
    pub(crate) why: &'static str,
    applies: C,
}

type OverFrames = Known<fn(&Frames<'_>) -> bool>;
type OverHead = Known<fn(&Head<'_>) -> bool>;

const FRAMES: [OverFrames; 2] = [
    Known {
        what: "A length in more bytes than it needs fails here, and is taken there.",
        why: "RFC 6455, section 5.2: \"the minimal number of bytes MUST be used to encode the length\".",
        applies: |case| {
            // A control frame with such a length is, here, too long by the form of it.
            let known = [Violation::NonMinimalLength, Violation::LongControl];
            known.iter().any(|known| case.failure == Some(Failure::Violation(*known)))
                && case.theirs.starts_with(case.ours)
        },
    },
    Known {
        what: "A close code that must not be on the wire fails here; there it is a Close frame, told as 1002.",
        why: "Both answer with 1002. RFC 6455, section 7.4, leaves open what the application is told.",
        applies: |case| {
            let told = Item::Close(Some(1002), "Protocol violation".into());
            case.failure == Some(Failure::Violation(Violation::ForbiddenCloseCode))
                && matches!(case.theirs.split_last(), Some((last, before)) if *last == told && before == case.ours)
                || case.failure == Some(Failure::Violation(Violation::ForbiddenCloseCode))
                    && case.theirs == case.ours
        },
    },
];

const REQUESTS: [OverHead; 5] = [
    Known {
        what: "`Upgrade` or `Connection` over several fields, or with several values, is taken here and refused there.",
        why: "They are lists (RFC 9110, sections 7.6.1 and 7.8), which may be split over fields; there only the first field is \
              looked at, and an `Upgrade` has to be one word.",
        applies: |case| {
            let upgrade = case.values("upgrade");
            let connection = case.values("connection");
            upgrade.len() > 1
                || connection.len() > 1
                || upgrade.iter().any(|value| !value.eq_ignore_ascii_case(b"websocket"))
        },
    },
    Known {
        what: "A tab beside a comma in `Connection` is taken here and refused there.",
        why: "Whitespace in a list is spaces and tabs (RFC 9110, section 5.6.1); there only spaces and commas separate.",
        applies: |case| case.values("connection").iter().any(|value| value.contains(&b'\t')),
    },
    Known {
        what: "A `Connection` or an `Upgrade` with octets beyond ASCII beside the token is taken here and refused there.",
        why: "There a field has to be ASCII to be looked at; here the elements that matter are.",
        applies: |case| {
            let values = [case.values("connection"), case.values("upgrade")].concat();
            values.iter().any(|value| !value.is_ascii())
        },
    },
    Known {
        what: "A key whose last character has surplus bits set is taken here and refused there.",
        why: "The key is hashed as it was received; RFC 6455 prints such a key itself (sections 1.2 and 4.2.2).",
        applies: |case| {
            // Four bits of the last character before the padding belong to nothing.
            let key = case.values("sec-websocket-key");
            key.iter().any(|key| key.len() == 24 && !b"AQgw".contains(&key[21]))
        },
    },
    Known {
        what: "A target that the `http` crate does not take for a URI is taken here and refused there.",
        why: "Here a target is taken by the characters that RFC 3986 allows, without a parser's further demands.",
        applies: |case| {
            case.target.is_some_and(|target| target.parse::<tungstenite::http::Uri>().is_err())
        },
    },
];

const ANSWERS: [OverHead; 1] = [Known {
    what: "`Connection` in an answer with more options than `Upgrade` is taken here and refused there.",
    why: "It is a list (RFC 9110, section 7.6.1), and RFC 6455, section 4.1, asks for the token in it.",
    applies: |case| {
        let connection = case.values("connection");
        connection.iter().any(|value| !value.eq_ignore_ascii_case(b"upgrade"))
    },
}];

impl Head<'_> {
    fn values(&self, name: &str) -> Vec<&[u8]> {
        let fields = self.fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name));
        fields.map(|field| field.1).collect()
    }
}

/// Whether a known difference explains why frames were understood differently.
pub(crate) fn explain_frames(case: &Frames<'_>) -> bool {
    FRAMES.iter().any(|known| (known.applies)(case))
}

/// Whether a known difference explains why a request is accepted here alone.
pub(crate) fn explain_request(case: &Head<'_>) -> bool {
    REQUESTS.iter().any(|known| (known.applies)(case))
}

/// Whether a known difference explains why an answer is accepted here alone.
pub(crate) fn explain_answer(case: &Head<'_>) -> bool {
    ANSWERS.iter().any(|known| (known.applies)(case))
}
