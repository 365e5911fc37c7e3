//! What frames mean: the events of messages, parts and control frames, and the peer's Close (RFC 6455, sections 5.5 and 6.2).

use super::Receiver;
use crate::connection::close_status::CloseStatus;
use crate::connection::event::{Closing, Event, Pong};
use crate::connection::failure::Failure;
use crate::connection::incoming::Delivered;
use crate::connection::state::ReceivingChange;
use crate::frame::{Header, Input};
use crate::message::{Content, Part, Payload, Text};
use crate::words::close_code::CloseCode;
use crate::words::opcode::{Kind, Opcode};
use crate::words::role::Role;
use crate::words::time::Instant;

impl<R: Role> Receiver<R> {
    /// The next event of frames, as far as they have arrived and may be taken now.
    pub(super) fn read_frames<'b>(
        &mut self,
        input: &mut Input<'b>,
        now: Instant,
    ) -> Option<Event<'b>> {
        while self.gate.is_open() {
            let (arrived, in_frame) = (input.len(), self.incoming.in_frame());
            let step = self.read_step(input, now);
            let consumed = arrived - input.len();
            self.tally.add_wire_bytes(consumed as u64);
            if consumed > 0 {
                self.liveness.heard_bytes();
            }
            match step {
                Ok(Some(event)) => return Some(event),
                Err(failure) => return Some(self.fail(failure)),
                Ok(None) if consumed > 0 && !input.is_empty() => {}
                // `put_buffer` has completed the fragment.
                Ok(None) if in_frame && !self.incoming.in_frame() && !input.is_empty() => {}
                // The next step reports what is wrong.
                Ok(None) if self.incoming.has_violation() => {}
                Ok(None) => break,
            }
        }
        None
    }

    /// Reads the next frame's header, if no frame is open, and what has arrived of the open frame's payload: the event that this
    /// completes, if any.
    fn read_step<'b>(
        &mut self,
        input: &mut Input<'b>,
        now: Instant,
    ) -> Result<Option<Event<'b>>, Failure> {
        if self.incoming.is_blocked(self.gate.holds(), input) {
            return Ok(None);
        }
        if let Some(header) = self.incoming.read_header(input, &self.config)? {
            self.note_header(header);
        }
        match self.incoming.frame() {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# An endpoint MUST be capable of handling control frames in the middle of a
            //# fragmented message.
            Some((opcode, _)) if opcode.is_control() => self.take_control(opcode, input, now),
            Some((_, fin)) => {
                if !input.is_empty() {
                    self.liveness.heard_data();
                }
                let delivered = self.incoming.take_data(fin, input, &self.config.limits)?;
                Ok(delivered.map(|delivered| match delivered {
                    Delivered::Message(kind, payload) => self.give_out_message(kind, payload),
                    Delivered::Part(part) => self.give_out_part(part),
                }))
            }
            None => Ok(None),
        }
    }

    /// Notes a frame whose header has arrived: counts it, unless it ends a message and is counted with that, and remembers that data was heard, even
    /// if no payload has come with the header.
    fn note_header(&mut self, header: Header) {
        match header.opcode {
            Opcode::Ping => self.tally.add_ping(),
            Opcode::Close | Opcode::Pong => self.tally.add_frame_ending_no_message(),
            // It is counted with its message.
            _ if header.fin => self.liveness.heard_data(),
            _ => {
                self.liveness.heard_data();
                self.tally.add_frame_ending_no_message();
            }
        }
    }

    /// Counts a message, and makes its event.
    #[inline(always)]
    pub(super) fn give_out_message<'b>(&mut self, kind: Kind, payload: Payload<'b>) -> Event<'b> {
        self.tally.add_message(payload.len() as u64);
        match Content::new(kind, payload) {
            Content::Text(text) => Event::Text(text),
            Content::Binary(payload) => Event::Binary(payload),
        }
    }

    /// Counts a part, with the last the message too, and makes its event.
    fn give_out_part<'b>(&mut self, part: Part<'b>) -> Event<'b> {
        let len = part.content.as_bytes().len() as u64;
        if part.last {
            self.tally.add_message(len);
        } else {
            self.tally.add_payload(len);
        }
        Event::Part(part)
    }

    /// Takes what has arrived of the open control frame's payload: the frame's event, once it is complete.
    fn take_control<'b>(
        &mut self,
        opcode: Opcode,
        input: &mut Input<'b>,
        now: Instant,
    ) -> Result<Option<Event<'b>>, Failure> {
        let Some((piece, last)) = self.incoming.take_control(input)? else {
            return Ok(None);
        };
        let Some(payload) = self.aside.take_piece(piece, last) else {
            return Ok(None);
        };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
        //# If a control frame (Section 5.5) is received, the frame MUST be handled as
        //# defined by Section 5.5.
        Ok(Some(match opcode {
            Opcode::Close => self.peer_closed(payload),
            Opcode::Ping => Event::Ping(payload),
            _ => {
                let round_trip = self.aside.match_pong(&payload, now);
                if let Some(round_trip) = round_trip {
                    self.liveness.set_round_trip(round_trip);
                }
                Event::Pong(Pong { payload, round_trip })
            }
        }))
    }

    /// Takes the body of the peer's Close frame: nothing after it is read.
    fn peer_closed<'b>(&mut self, body: Payload<'b>) -> Event<'b> {
        let code = match *body {
            [high, low, ..] => CloseCode::new(u16::from_be_bytes([high, low])),
            _ => None,
        };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5
        //# If this Close control frame contains no status code, _The WebSocket
        //# Connection Close Code_ is considered to be 1005.
        self.stop_reading(ReceivingChange::PeerClosed(CloseStatus::from(code)));
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.6
        //# If there is no such data in the Close control frame, _The WebSocket Connection
        //# Close Reason_ is the empty string.
        Event::Closing(Closing { code, reason: Text::checked(body.skip(2)) })
    }
}
