use std::io::Read;
use std::thread;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, bounded};

use super::ControllerError;
use crate::jobs::Progress;

/// Between looks at whether somebody asked it to stop, while it waits.
pub(super) const NAP: Duration = Duration::from_millis(50);

/// How much is read at once.
const PIECE: usize = 8192;

/// Pieces that wait to be taken at most.
const WAITING: usize = 16;

/// Does what may block for minutes on a thread of its own, and ends the wait for it when somebody asks for that. What comes of it then is
/// dropped, and a connection with it.
pub(super) fn in_background<T: Send + 'static>(
    progress: &Progress,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ControllerError> {
    let (sender, receiver) = bounded(1);
    start(move || {
        // Whoever waited may be gone.
        let _ = sender.send(work());
    })?;
    received(&receiver, progress)?.ok_or(ControllerError::Thread(None))
}

/// Reads on a thread of its own.
pub(super) struct Pieces {
    receiver: Receiver<std::io::Result<Vec<u8>>>,
}

impl Pieces {
    /// Starts to read. The reader is dropped with its end, or soon after this.
    pub fn of(mut reader: impl Read + Send + 'static) -> Result<Self, ControllerError> {
        let (sender, receiver) = bounded(WAITING);
        start(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let read = reader.read(&mut piece).map(|count| {
                    piece.truncate(count);
                    piece
                });
                let is_last = !matches!(&read, Ok(piece) if !piece.is_empty());
                if sender.send(read).is_err() || is_last {
                    return;
                }
            }
        })?;
        Ok(Self { receiver })
    }

    /// The next piece; an empty one is the end.
    pub fn next(&self, progress: &Progress) -> Result<std::io::Result<Vec<u8>>, ControllerError> {
        Ok(received(&self.receiver, progress)?.unwrap_or_else(|| Ok(Vec::new())))
    }
}

fn start(work: impl FnOnce() + Send + 'static) -> Result<(), ControllerError> {
    let thread = thread::Builder::new().name("controller".to_owned());
    let started = thread.spawn(work);
    started.map_err(|source| ControllerError::Thread(Some(source)))?;
    Ok(())
}

/// What a thread sends; `None` if it has ended.
fn received<T>(receiver: &Receiver<T>, progress: &Progress) -> Result<Option<T>, ControllerError> {
    loop {
        match receiver.recv_timeout(NAP) {
            Ok(value) => return Ok(Some(value)),
            Err(RecvTimeoutError::Timeout) => progress.check()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}
