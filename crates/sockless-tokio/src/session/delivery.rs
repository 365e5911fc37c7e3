//! What becomes of a message, to be waited for.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use sockless_session::reliable::{Fate, Status};

use super::hub::Hub;

/// A message that was taken for sending. Awaiting it waits until it is known what has become of it; dropping it changes nothing.
#[derive(Clone)]
pub struct Delivery {
    number: u64,
    hub: Arc<Hub>,
}

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The peer has accepted it.
    Yes,
    /// The session has ended without it.
    No(Fate),
}

impl Delivered {
    /// Whether the peer has accepted it.
    pub const fn is_delivered(self) -> bool {
        matches!(self, Self::Yes)
    }
}

impl Delivery {
    pub(super) fn new(number: u64, hub: Arc<Hub>) -> Self {
        Self { number, hub }
    }

    /// The message's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What has become of it until now.
    pub fn status(&self) -> Status {
        self.hub.status(self.number)
    }

    /// Waits until the message is stored, where there is a journal: from then on it survives the process.
    pub async fn stored(&self) {
        self.hub.until(|hub| hub.is_stored(self.number).then_some(())).await;
    }
}

impl IntoFuture for Delivery {
    type Output = Delivered;
    type IntoFuture = Pin<Box<dyn Future<Output = Delivered> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let known = |hub: &Hub| match hub.status(self.number) {
                Status::Delivered => Some(Delivered::Yes),
                Status::Failed(fate) => Some(Delivered::No(fate)),
                Status::Pending | Status::Sent => None,
            };
            self.hub.until(known).await
        })
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("number", &self.number).finish_non_exhaustive()
    }
}
