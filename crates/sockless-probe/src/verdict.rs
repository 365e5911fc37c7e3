//! Who is tested, the sentences that cases stand on, and what can be found. How it is found, and how it is shown, lies elsewhere.

/// Who is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Testee {
    Server,
    Client,
}

impl Testee {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// How much a case weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The RFC's MUST, or what follows from its grammar.
    Must,
    /// The RFC's SHOULD: a deviation is NON-STRICT at most.
    Should,
    /// What an endpoint needs in order to live among hostile peers, whatever the RFC says.
    Safety,
}

impl Level {
    pub(crate) const ALL: [Self; 3] = [Self::Must, Self::Should, Self::Safety];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::Safety => "safety",
        }
    }
}

/// What the testee has done with what it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Behavior {
    Ok,
    /// Allowed, or usual, but not the best.
    NonStrict,
    /// There is no right or wrong: the reason says what was seen.
    Informational,
    /// The testee can't do what the case is about.
    Unimplemented,
    Failed,
}

impl Behavior {
    pub(crate) const ALL: [Self; 5] =
        [Self::Ok, Self::NonStrict, Self::Informational, Self::Unimplemented, Self::Failed];

    /// As it is spelled in reports; the words are Autobahn's.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NonStrict => "NON-STRICT",
            Self::Informational => "INFORMATIONAL",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Failed => "FAILED",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|behavior| behavior.name() == name)
    }
}

/// How the connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    Ok,
    Informational,
    /// The wrong endpoint ended it, or nobody by a Close frame.
    Failed,
    WrongCode,
    /// Not by both Close frames where it has to be.
    Unclean,
    /// A server left it to its client to close the stream.
    FailedByClient,
}

impl Closing {
    pub(crate) const ALL: [Self; 6] = [
        Self::Ok,
        Self::Informational,
        Self::Failed,
        Self::WrongCode,
        Self::Unclean,
        Self::FailedByClient,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Informational => "INFORMATIONAL",
            Self::Failed => "FAILED",
            Self::WrongCode => "WRONG CODE",
            Self::Unclean => "UNCLEAN",
            Self::FailedByClient => "FAILED BY CLIENT",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|closing| closing.name() == name)
    }
}

/// What a case has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) behavior: Behavior,
    pub(crate) closing: Closing,
    /// In a sentence, what was seen.
    pub(crate) reason: String,
    /// In a sentence, how the connection ended.
    pub(crate) closing_reason: String,
    /// The code of the testee's Close frame.
    pub(crate) remote_code: Option<u16>,
}

impl Finding {
    /// A finding of a case that doesn't look at the closing.
    pub(crate) fn new(behavior: Behavior, reason: impl Into<String>) -> Self {
        Self {
            behavior,
            closing: Closing::Ok,
            reason: reason.into(),
            closing_reason: String::new(),
            remote_code: None,
        }
    }

    pub(crate) fn ok(reason: impl Into<String>) -> Self {
        Self::new(Behavior::Ok, reason)
    }

    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::new(Behavior::Failed, reason)
    }

    pub(crate) fn unimplemented(reason: impl Into<String>) -> Self {
        Self::new(Behavior::Unimplemented, reason)
    }

    pub(crate) fn informational(reason: impl Into<String>) -> Self {
        Self::new(Behavior::Informational, reason)
    }

    pub(crate) fn non_strict(reason: impl Into<String>) -> Self {
        Self::new(Behavior::NonStrict, reason)
    }

    /// Whether the testee has broken something, in one of the columns.
    pub(crate) const fn is_failure(&self) -> bool {
        matches!(self.behavior, Behavior::Failed)
            || !matches!(self.closing, Closing::Ok | Closing::Informational)
    }
}

/// A sentence of a standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The name by which it is spoken of: `masked-frames`.
    pub(crate) name: &'static str,
    /// `RFC 6455, section 5.1`.
    pub(crate) place: &'static str,
    /// The sentence itself, or as much as is needed of it.
    pub(crate) sentence: &'static str,
}
