use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use arrow::error::ArrowError;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is at work on a table, where a panic is caught and told as an error. A hook that reacts to
/// panics (restores a terminal, prints) must not react to these.
pub fn is_guarded() -> bool {
    IS_GUARDED.get()
}

/// Runs the work of the table libraries on data that may be corrupt. They check what they read, but not everywhere: a
/// few conversions of lengths and offsets panic, and a corrupt file must not take the import down.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !is_guarded() {
                hook(info);
            }
        }));
    });
    let before = IS_GUARDED.replace(true);
    // Whatever the work has touched is dropped or read afresh after an error.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(before);
    result.unwrap_or_else(|_| Err(ArrowError::ParseError("the data is corrupt".to_owned())))
}
