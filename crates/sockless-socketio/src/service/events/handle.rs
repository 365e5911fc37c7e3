//! What can be a handler: functions whose arguments are taken from the event.

use std::future::Future;

use super::Calling;
use super::extract::{Call, Extract, Unfit};

/// A function with up to six arguments that can be taken from an event, which returns a future.
pub trait Handle<A>: Send + Sync + 'static {
    /// Begins to handle an event.
    ///
    /// # Errors
    ///
    /// If it doesn't have what the function wants.
    #[doc(hidden)]
    fn handle(&self, call: &mut Call) -> Result<Calling, Unfit>;
}

macro_rules! handles {
    ($($argument:ident)*) => {
        impl<F, Fut, $($argument: Extract),*> Handle<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future + Send + 'static,
        {
            #[allow(unused_variables, reason = "without arguments, nothing is taken")]
            fn handle(&self, call: &mut Call) -> Result<Calling, Unfit> {
                let handling = self($($argument::extract(call)?),*);
                Ok(Box::pin(async move { drop(handling.await) }))
            }
        }
    };
}

handles!();
handles!(A);
handles!(A B);
handles!(A B C);
handles!(A B C D);
handles!(A B C D E);
handles!(A B C D E G);
