//! The subprotocols that a client offers, and a server's choice among them (RFC 6455, sections 1.9 and 4.2.2).

use super::field::Fields;
use crate::words::token::{Elements, elements, token};

/// The subprotocols of a request, in the client's order of preference.
#[derive(Clone, Debug)]
pub(super) struct Subprotocols<'a> {
    fields: Fields<'a>,
    elements: Elements<'a>,
}

impl<'a> Subprotocols<'a> {
    pub(super) fn new(fields: Fields<'a>) -> Self {
        Self { fields, elements: elements(&[]) }
    }
}

/// The first of `supported` that is among the `offered` ones.
pub(super) fn choose_subprotocol<'o, 's>(
    offered: impl Iterator<Item = &'o str> + Clone,
    supported: &[&'s str],
) -> Option<&'s str> {
    supported.iter().copied().find(|name| offered.clone().any(|offered| offered == *name))
}

impl<'a> Iterator for Subprotocols<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            if let Some(element) = self.elements.next() {
                return token(element);
            }
            let field = self.fields.find(|field| field.is("sec-websocket-protocol"))?;
            self.elements = elements(field.value);
        }
    }
}
