//! What one connection goes through: how it is configured, how its input is cut, and the calls made on it.

use arbitrary::Arbitrary;
use sockless::Connection;
use sockless::extension::Agreed;

use crate::cuts::Cuts;
use crate::endpoint::Endpoint;
use crate::operations::{Agreement, Choice, Op};

#[derive(Arbitrary, Debug)]
pub(crate) struct Case {
    pub(crate) client: bool,
    pub(crate) choice: Choice,
    agreement: Option<Agreement>,
    pub(crate) cuts: Cuts,
    pub(crate) ops: Vec<Op>,
}

impl Case {
    pub(crate) fn agreed(&self) -> Option<Agreed> {
        self.agreement.as_ref().map(Agreement::agreed)
    }

    /// The connection, with what was agreed on.
    pub(crate) fn open<R: Endpoint>(&self, timers: bool) -> Connection<R> {
        let conn = R::open(&self.choice.config(timers));
        match self.agreed() {
            Some(agreed) => conn.with_extensions(agreed),
            None => conn,
        }
    }

    /// Whether what goes out may be cut anywhere.
    pub(crate) fn is_cut(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Lost | Op::Pass(_)))
    }
}
