//! The sentences that the cases stand on, word for word.

#![cfg_attr(not(feature = "http2"), allow(dead_code, reason = "those of RFC 8441"))]

use crate::verdict::Rule;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $place:literal, $sentence:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Rule = Rule { name: $id, place: $place, sentence: $sentence };)*

        /// All of them.
        #[cfg(test)]
        const ALL: &[Rule] = &[$($name),*];
    };
}

rules! {
    FRAGMENTS = "fragments", "RFC 6455, section 5.4",
        "Clients and servers MUST support receiving both fragmented and unfragmented messages.";
    DATA_FRAMES = "data-frames", "RFC 6455, section 6.2",
        "To receive WebSocket data, an endpoint listens on the underlying network connection. Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.";
    LENGTHS = "lengths", "RFC 6455, section 5.2",
        "Note that in all cases, the minimal number of bytes MUST be used to encode the length, for example, the length of a 124-byte-long string can't be encoded as the sequence 126, 0, 124.";
    LENGTH_63 = "length-of-63-bits", "RFC 6455, section 5.2",
        "If 127, the following 8 bytes interpreted as a 64-bit unsigned integer (the most significant bit MUST be 0) are the payload length.";
    PINGS = "pings", "RFC 6455, section 5.5.2",
        "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already received a Close frame.";
    PONG_DATA = "pong-data", "RFC 6455, section 5.5.3",
        "A Pong frame sent in response to a Ping frame must have identical \"Application data\" as found in the message body of the Ping frame being replied to.";
    UNSOLICITED_PONG = "unsolicited-pong", "RFC 6455, section 5.5.3",
        "A Pong frame MAY be sent unsolicited. This serves as a unidirectional heartbeat. A response to an unsolicited Pong frame is not expected.";
    CONTROL_FRAMES = "control-frames", "RFC 6455, section 5.5",
        "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.";
    CONTROL_BETWEEN = "control-between-fragments", "RFC 6455, section 5.4",
        "Control frames (see Section 5.5) MAY be injected in the middle of a fragmented message. Control frames themselves MUST NOT be fragmented.";
    RESERVED_BITS = "reserved-bits", "RFC 6455, section 5.2",
        "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values. If a nonzero value is received and none of the negotiated extensions defines the meaning of such a nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_.";
    OPCODES = "opcodes", "RFC 6455, section 5.2",
        "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_.";
    FRAGMENT_ORDER = "fragment-order", "RFC 6455, section 5.4",
        "The fragments of one message MUST NOT be interleaved between the fragments of another message unless an extension has been negotiated that can interpret the interleaving.";
    UTF8 = "utf-8", "RFC 6455, section 8.1",
        "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.";
    WHOLE_MESSAGE_UTF8 = "utf-8-of-the-whole-message", "RFC 6455, section 5.6",
        "Note that a particular text frame might include a partial UTF-8 sequence; however, the whole message MUST contain valid UTF-8.";
    CLOSE_ANSWER = "close-answer", "RFC 6455, section 5.5.1",
        "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a Close frame in response.";
    CLOSE_BODY = "close-body", "RFC 6455, section 5.5.1",
        "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in network byte order) representing a status code with value /code/ defined in Section 7.4.";
    CLOSE_CODES = "close-codes", "RFC 6455, section 7.4.2",
        "Status codes in the range 0-999 are not used.";
    RESERVED_CLOSE_CODES = "reserved-close-codes", "RFC 6455, section 7.4.1",
        "1006 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint.";
    NO_DATA_AFTER_CLOSE = "no-data-after-close", "RFC 6455, section 5.5.1",
        "The application MUST NOT send any more data frames after sending a Close frame.";
    SERVER_CLOSES_FIRST = "server-closes-first", "RFC 6455, section 5.5.1",
        "After both sending and receiving a Close message, an endpoint considers the WebSocket connection closed and MUST close the underlying TCP connection. The server MUST close the underlying TCP connection immediately";
    MASKED = "masked-frames", "RFC 6455, section 5.1",
        "The server MUST close the connection upon receiving a frame that is not masked.";
    CLIENT_MASKS = "client-masks", "RFC 6455, section 5.1",
        "a client MUST mask all frames that it sends to the server";
    NOT_MASKED = "unmasked-frames", "RFC 6455, section 5.1",
        "A server MUST NOT mask any frames that it sends to the client. A client MUST close a connection if it detects a masked frame.";
    FRESH_KEYS = "fresh-masking-keys", "RFC 6455, section 5.3",
        "When preparing a masked frame, the client MUST pick a fresh masking key from the set of allowed 32-bit values.";
    LIMITS = "limits", "RFC 6455, section 10.4",
        "Implementations that have implementation- and/or platform-specific limitations regarding the frame size or total message size after reassembly from multiple frames MUST protect themselves against exceeding those limits.";
    VALIDATE = "validation", "RFC 6455, section 10.7",
        "Incoming data MUST always be validated by both clients and servers.";
    METHOD = "method", "RFC 6455, section 4.2.1",
        "An HTTP/1.1 or higher GET request, including a \"Request-URI\"";
    HOST = "host", "RFC 6455, section 4.2.1",
        "A |Host| header field containing the server's authority.";
    UPGRADE = "upgrade", "RFC 6455, section 4.2.1",
        "An |Upgrade| header field containing the value \"websocket\", treated as an ASCII case-insensitive value.";
    CONNECTION = "connection", "RFC 6455, section 4.2.1",
        "A |Connection| header field that includes the token \"Upgrade\", treated as an ASCII case-insensitive value.";
    KEY = "key", "RFC 6455, section 4.2.1",
        "A |Sec-WebSocket-Key| header field with a base64-encoded (see Section 4 of [RFC4648]) value that, when decoded, is 16 bytes in length.";
    KEY_ONCE = "key-once", "RFC 6455, section 11.3.1",
        "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request.";
    VERSION = "version", "RFC 6455, section 4.2.1",
        "A |Sec-WebSocket-Version| header field, with a value of 13.";
    VERSION_ANSWER = "version-answer", "RFC 6455, section 4.2.2",
        "If this version does not match a version understood by the server, the server MUST abort the WebSocket handshake described in this section and instead send an appropriate HTTP error code (such as 426 Upgrade Required) and a |Sec-WebSocket-Version| header field indicating the version(s) the server is capable of understanding.";
    STOP_PROCESSING = "stop-processing", "RFC 6455, section 4.2.1",
        "including but not limited to any violations of the ABNF grammar specified for the components of the handshake, the server MUST stop processing the client's handshake and return an HTTP response with an appropriate error code (such as 400 Bad Request).";
    ACCEPT = "accept", "RFC 6455, section 4.2.2",
        "A |Sec-WebSocket-Accept| header field.";
    EXTENSIONS_OF_SERVER = "extensions-of-server", "RFC 6455, section 4.2.2",
        "Extensions not listed by the client MUST NOT be listed.";
    SUBPROTOCOL_OF_SERVER = "subprotocol-of-server", "RFC 6455, section 4.2.2",
        "The value chosen MUST be derived from the client's handshake, specifically by selecting one of the values from the |Sec-WebSocket-Protocol| field that the server is willing to use for this connection (if any).";
    ANSWER_STATUS = "answer-status", "RFC 6455, section 4.1",
        "If the status code received from the server is not 101, the client handles the response per HTTP [RFC2616] procedures.";
    ANSWER_UPGRADE = "answer-upgrade", "RFC 6455, section 4.1",
        "If the response lacks an |Upgrade| header field or the |Upgrade| header field contains a value that is not an ASCII case-insensitive match for the value \"websocket\", the client MUST _Fail the WebSocket Connection_.";
    ANSWER_CONNECTION = "answer-connection", "RFC 6455, section 4.1",
        "If the response lacks a |Connection| header field or the |Connection| header field doesn't contain a token that is an ASCII case-insensitive match for the value \"Upgrade\", the client MUST _Fail the WebSocket Connection_.";
    ANSWER_ACCEPT = "answer-accept", "RFC 6455, section 4.1",
        "If the response lacks a |Sec-WebSocket-Accept| header field or the |Sec-WebSocket-Accept| contains a value other than the base64-encoded SHA-1";
    ANSWER_EXTENSIONS = "answer-extensions", "RFC 6455, section 4.1",
        "this header field indicates the use of an extension that was not present in the client's handshake (the server has indicated an extension not requested by the client), the client MUST _Fail the WebSocket Connection_.";
    ANSWER_SUBPROTOCOL = "answer-subprotocol", "RFC 6455, section 4.1",
        "If the response includes a |Sec-WebSocket-Protocol| header field and this header field indicates the use of a subprotocol that was not present in the client's handshake (the server has indicated a subprotocol not requested by the client), the client MUST _Fail the WebSocket Connection_.";
    ANSWER_ONCE = "answer-fields-once", "RFC 6455, section 11.3.3",
        "The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP response.";
    REQUEST_OF_CLIENT = "request-of-client", "RFC 6455, section 4.1",
        "The handshake MUST be a valid HTTP request as specified by [RFC2616].";
    NONCE_OF_CLIENT = "nonce-of-client", "RFC 6455, section 4.1",
        "The value of this header field MUST be a nonce consisting of a randomly selected 16-byte value that has been base64-encoded";
    CLIENT_WAITS = "client-waits", "RFC 6455, section 4.1",
        "Once the client's opening handshake has been sent, the client MUST wait for a response from the server before sending any further data.";
    EXTENSION_GRAMMAR = "extension-grammar", "RFC 6455, section 9.1",
        "If a value is received by either the client or the server during negotiation that does not conform to the ABNF below, the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_.";
    DEFLATE_OFFER = "deflate-offer", "RFC 7692, section 7",
        "A server MUST decline an extension negotiation offer for this extension if any of the following conditions are met:";
    DEFLATE_ANSWER = "deflate-answer", "RFC 7692, section 7",
        "A client MUST _Fail the WebSocket Connection_ if the peer server accepted an extension negotiation offer for this extension with an extension negotiation response meeting any of the following conditions:";
    SERVER_TAKEOVER = "server-takeover", "RFC 7692, section 7.1.1.1",
        "A server accepts an extension negotiation offer that includes the \"server_no_context_takeover\" extension parameter by including the \"server_no_context_takeover\" extension parameter in the corresponding extension negotiation response to send back to the client.";
    CLIENT_TAKEOVER = "client-takeover", "RFC 7692, section 7.2.1",
        "If the \"agreed parameters\" contain the \"client_no_context_takeover\" extension parameter, the client MUST start compressing each new message with an empty LZ77 sliding window.";
    SERVER_TAKEOVER_SENT = "server-takeover-kept", "RFC 7692, section 7.2.1",
        "If the \"agreed parameters\" contain the \"server_no_context_takeover\" extension parameter, the server MUST start compressing each new message with an empty LZ77 sliding window.";
    SERVER_WINDOW_SENT = "server-window-kept", "RFC 7692, section 7.2.1",
        "If the \"agreed parameters\" contain the \"server_max_window_bits\" extension parameter with a value of w, the server MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes to compress messages to send.";
    CLIENT_WINDOW_SENT = "client-window-kept", "RFC 7692, section 7.2.1",
        "If the \"agreed parameters\" contain the \"client_max_window_bits\" extension parameter with a value of w, the client MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes to compress messages to send.";
    SERVER_WINDOW = "server-window", "RFC 7692, section 7.1.2.1",
        "A server accepts an extension negotiation offer with this parameter by including the \"server_max_window_bits\" extension parameter in the extension negotiation response to send back to the client with the same or smaller value as the offer.";
    CLIENT_WINDOW = "client-window", "RFC 7692, section 7.1.2.2",
        "If a received extension negotiation offer doesn't have the \"client_max_window_bits\" extension parameter, the corresponding extension negotiation response to the offer MUST NOT include the \"client_max_window_bits\" extension parameter.";
    COMPRESSED = "compressed-messages", "RFC 7692, section 7.2.2",
        "An endpoint uses the following algorithm to decompress a message.";
    BFINAL = "final-blocks", "RFC 7692, section 7.2.1",
        "An endpoint MAY use both DEFLATE blocks with the \"BFINAL\" bit set to 0 and DEFLATE blocks with the \"BFINAL\" bit set to 1.";
    RSV1 = "rsv1", "RFC 7692, section 6.1",
        "An endpoint MUST NOT set the \"Per-Message Compressed\" bit of control frames and non-first fragments of a data message.";
    TAKEOVER = "takeover", "RFC 7692, section 7.2.2",
        "Otherwise, the server MUST decompress each new message using the LZ77 sliding window used to process the last compressed message.";
    CONNECT_SETTING = "connect-setting", "RFC 8441, section 3",
        "Upon receipt of SETTINGS_ENABLE_CONNECT_PROTOCOL with a value of 1, a client MAY use the Extended CONNECT as defined in this document when creating new streams.";
    CONNECT = "extended-connect", "RFC 8441, section 5",
        "This request replaces the GET-based request in [RFC6455] and is used to process the WebSockets opening handshake.";
    CONNECT_PROTOCOL = "connect-protocol", "RFC 8441, section 5",
        "The :protocol pseudo-header field MUST be included in the CONNECT request, and it MUST have a value of websocket to initiate a WebSocket connection on an HTTP/2 stream.";
    CONNECT_FIELDS = "connect-fields", "RFC 8441, section 5",
        "Sec-WebSocket-Version, Sec-WebSocket-Protocol, and Sec-WebSocket-Extensions header fields are used in the CONNECT request and response-header fields as defined in [RFC6455].";
    CONNECT_KEY = "connect-without-key", "RFC 8441, section 5",
        "Implementations using this extended CONNECT to bootstrap WebSockets do not do the processing of the Sec-WebSocket-Key and Sec-WebSocket-Accept header fields of [RFC6455] as that functionality has been superseded by the :protocol pseudo-header field.";
    STREAM_CLOSURE = "stream-closure", "RFC 8441, section 5",
        "Orderly TCP-level closures are represented as END_STREAM flags ([RFC7540], Section 6.1).";
    STREAM_RESET = "stream-reset", "RFC 8441, section 5",
        "RST exceptions are represented with the RST_STREAM frame ([RFC7540], Section 6.4) with the CANCEL error code ([RFC7540], Section 7).";
    STREAMS = "streams", "RFC 8441, section 1",
        "The other streams on the connection may carry more extended CONNECT tunnels, traditional HTTP/2 data, or a mixture of both.";
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_rule_has_a_name_that_no_other_has() {
        let mut names: Vec<_> = ALL.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    /// An RFC's text without the feet and the heads of its pages.
    fn without_page_breaks(text: &str) -> String {
        let is_break = |line: &&str| line.contains("[Page ") || line.starts_with("RFC ");
        text.lines().filter(|line| !is_break(line)).collect::<Vec<_>>().join("\n")
    }

    /// Every sentence is looked up in the RFC that it is said to be from.
    #[test]
    #[ignore = "needs the folder of the RFCs' texts, rfc6455.txt, rfc7692.txt and rfc8441.txt, in SOCKLESS_RFC"]
    fn every_sentence_stands_in_its_rfc() {
        let folder = std::env::var_os("SOCKLESS_RFC").expect("SOCKLESS_RFC");
        // Lines are broken at hyphens, too.
        let squeeze =
            |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace("- ", "-");
        let mut wrong = Vec::new();
        for rule in ALL {
            let number = rule.place.split([' ', ',']).nth(1).unwrap_or_default();
            let path = std::path::Path::new(&folder).join(format!("rfc{number}.txt"));
            let text = std::fs::read_to_string(path).expect("the RFC's text");
            if !squeeze(&without_page_breaks(&text)).contains(&squeeze(rule.sentence)) {
                wrong.push(rule.name);
            }
        }
        assert_eq!(wrong, [""; 0]);
    }
}
