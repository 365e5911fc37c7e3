//! The signal to stop.

use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};

/// Whether the program has been asked to stop, by Ctrl-C or by SIGTERM.
#[derive(Clone, Debug)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for the signals from now on. A second one ends the program at once.
    pub fn on_signal() -> io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&asked))?;
            signal_hook::flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Self(asked))
    }

    /// Whether to stop.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A stream that becomes readable when the program is asked to stop, for those who wait for several streams at once.
    pub fn stream(&self) -> io::Result<UnixStream> {
        let (told, teller) = UnixStream::pair()?;
        for signal in [SIGINT, SIGTERM] {
            signal_hook::low_level::pipe::register(signal, teller.try_clone()?)?;
        }
        told.set_nonblocking(true)?;
        Ok(told)
    }

    /// Wakes the thread that waits for clients at this address when the program is asked to stop: it gets one more, which is us.
    pub fn wakes(&self, listener: SocketAddr) -> io::Result<()> {
        let mut told = self.stream()?;
        told.set_nonblocking(false)?;
        thread::spawn(move || {
            let _ = told.read(&mut [0]);
            // If it can't be reached, it isn't waiting.
            let _ = TcpStream::connect(listener);
        });
        Ok(())
    }
}
