//! The switches: each breaks one rule, and says by which rule's name it has to be caught.

/// Whom a fault is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum In {
    Server,
    Client,
    Both,
}

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident: $who:ident, $cases:literal, $rules:expr;)*) => {
        /// One broken rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($(#[doc = $doc])* $name,)*
        }

        /// All of them: the fault, whom it is in, the cases that are run, the rules that may catch it.
        pub(crate) const ALL: &[(Fault, In, &str, &[&str])] =
            &[$((Fault::$name, In::$who, $cases, &$rules)),*];
    };
}

faults! {
    /// Frames without a mask are taken from a client.
    TakesUnmasked: Server, "framing.unmasked*", ["masked-frames"];
    /// Masked frames are taken from a server.
    TakesMasked: Client, "framing.masked*", ["unmasked-frames"];
    TakesReservedBits: Both, "framing.rsv*,3", ["reserved-bits"];
    TakesReservedOpcodes: Both, "framing.opcode*,4", ["opcodes"];
    TakesLongLengths: Both, "framing.length*", ["lengths"];
    TakesHighestBit: Both, "framing.length-2-to-6*", ["length-of-63-bits"];
    TakesFragmentedControl: Both, "control.fragmented*,5.1", ["control-frames"];
    TakesLongControl: Both, "control.long*,2.5", ["control-frames"];
    TakesLoneContinuation: Both, "5.9,5.12", ["fragment-order"];
    TakesInterruptedMessage: Both, "framing.*inside*,5.18", ["fragment-order"];
    TakesInvalidText: Both, "utf-8.fragments*,6.3", ["utf-8"];
    /// Each fragment has to be text by itself.
    ChecksFragments: Both, "utf-8.cut*,6.2", ["utf-8-of-the-whole-message"];
    RefusesZeroMask: Server, "framing.mask*", ["data-frames"];
    SendsNoPong: Both, "control.pings,2.1", ["pings", "pong-data"];
    SendsEmptyPong: Both, "control.ping*,2.2", ["pong-data"];
    CutsPong: Both, "control.ping*,2.4", ["pong-data"];
    /// A Ping inside a message is answered after it.
    SendsPongLate: Both, "control.ping-after*", ["control-between-fragments"];
    AnswersPongs: Both, "control.pongs,2.7,2.8", ["unsolicited-pong"];
    /// A Ping inside a message ends it.
    PingEndsMessage: Both, "control.ping-after*,5.6", ["control-between-fragments"];
    DropsEmptyFragments: Both, "6.1", ["utf-8-of-the-whole-message"];
    SendsNoClose: Both, "closing.code*,7.3.3", ["close-answer"];
    /// The server leaves the stream open after both Close frames.
    LeavesStreamOpen: Server, "closing.server-closes", ["server-closes-first"];
    TakesHalfCode: Both, "closing.half-a-code*", ["close-body"];
    TakesForbiddenCodes: Both, "closing.code*", ["reserved-close-codes", "close-codes"];
    TakesInvalidReason: Both, "closing.reason*", ["utf-8"];
    RefusesOwnCodes: Both, "closing.code-3*,closing.code-4*", ["close-answer"];
    EchoesAfterClose: Both, "closing.data-after-close", ["no-data-after-close"];
    FailsWith1000: Both, "framing.rsv*", ["reserved-bits"];
    LeavesHalfOpen: Both, "closing.half-closed*", ["validation"];
    SendsMasked: Server, "framing.sends*", ["unmasked-frames"];
    SendsUnmasked: Client, "framing.sends*", ["client-masks"];
    SendsLongLengths: Both, "framing.echo*", ["lengths"];
    SendsReservedBits: Both, "framing.sends*", ["reserved-bits"];
    SendsOneKey: Client, "framing.fresh*", ["fresh-masking-keys"];
    SendsTextAsBinary: Both, "1.1.2", ["data-frames"];
    CutsLongMessages: Both, "1.1.6,1.2.6", ["data-frames"];
    SendsInvalidText: Both, "framing.sends*", ["utf-8"];
    SendsFragmentedPong: Both, "framing.sends*", ["control-frames"];
    TakesAnyMethod: Server, "handshake.method*", ["method"];
    TakesAnyHttp: Server, "handshake.http*", ["method"];
    TakesNoHost: Server, "handshake.no-host", ["host"];
    TakesNoUpgrade: Server, "handshake.*upgrade*", ["upgrade"];
    TakesNoConnection: Server, "handshake.*connection*", ["connection"];
    TakesConnectionSubstring: Server, "handshake.connection*", ["connection"];
    ComparesCase: Server, "handshake.upgrade*", ["upgrade"];
    TakesAnyKey: Server, "handshake.*key*", ["key"];
    TakesTwoKeys: Server, "handshake.key*", ["key-once"];
    TakesAnyVersion: Server, "handshake.version*", ["version"];
    NamesNoVersion: Server, "handshake.version*", ["version-answer"];
    SendsWrongAccept: Server, "handshake.accept*", ["accept"];
    SendsExtension: Server, "handshake.answer*", ["extensions-of-server"];
    SendsSubprotocol: Server, "handshake.answer*", ["subprotocol-of-server"];
    TakesSpaceBeforeColon: Server, "handshake.space*", ["stop-processing"];
    TakesEndlessHead: Server, "handshake.endless*", ["limits"];
    ReadsHeadOnce: Server, "handshake.octets,handshake.pieces*", ["stop-processing"];
    TakesAnyStatus: Client, "handshake.status*", ["answer-status"];
    IgnoresUpgrade: Client, "handshake.*upgrade*", ["answer-upgrade"];
    IgnoresConnection: Client, "handshake.*connection*", ["answer-connection"];
    IgnoresAccept: Client, "handshake.*accept*", ["answer-accept"];
    TakesAnyExtension: Client, "handshake.extension*", ["answer-extensions"];
    TakesAnySubprotocol: Client, "handshake.subprotocol*", ["answer-subprotocol"];
    SendsShortKey: Client, "handshake.request*", ["nonce-of-client"];
    RepeatsKey: Client, "handshake.request*", ["nonce-of-client"];
    SendsNoVersion: Client, "handshake.request*", ["version"];
    SendsEarly: Client, "handshake.waits*", ["client-waits"];
    SendsHttp10: Client, "handshake.request*", ["request-of-client"];
    LosesFrameWithAnswer: Client, "handshake.frame*", ["data-frames"];
    KeepsServerTakeover: Server, "deflate.no-takeover*", ["server-takeover-kept"];
    KeepsServerWindow: Server, "deflate.server-window*", ["server-window-kept"];
    KeepsClientTakeover: Client, "deflate.no-takeover*", ["client-takeover"];
    KeepsClientWindow: Client, "negotiation.keeps*", ["client-window-kept"];
    ForgetsWindow: Both, "deflate.takeover*", ["takeover"];
    StopsAtFinalBlock: Both, "deflate.*final*", ["final-blocks"];
    TakesRsv1OnContinuation: Both, "deflate.rsv1*", ["rsv1"];
    TakesRsv1OnControl: Both, "deflate.rsv1*", ["rsv1"];
    TakesBrokenDeflate: Both, "deflate.reserved*,deflate.stored*", ["compressed-messages"];
    TakesInvalidCompressedText: Both, "deflate.not-utf-8", ["utf-8"];
    AnswersClientWindow: Server, "negotiation.plain,negotiation.server*", ["client-window", "server-takeover", "server-window"];
    LeavesOutTakeover: Server, "negotiation.server-takeover", ["server-takeover"];
    LeavesOutWindow: Server, "negotiation.server-window*", ["server-window"];
    TakesInvalidParameters: Server, "negotiation.declines*", ["deflate-offer"];
    TakesInvalidAnswers: Client, "negotiation.fails*", ["deflate-answer", "client-window"];
}
