//! How deep dispatches are nested in each other on this thread.
//!
//! A receiver that dispatches the signal that it runs for would do so until the thread's stack overflows, which ends the
//! process. So the dispatches on one thread's stack are counted, and limited.

use std::cell::Cell;

/// How many dispatches can be on one thread's stack. A level takes about 4 KiB in a debug build, and what the receiver has on
/// the stack: of the 2 MiB that a thread has by default, most is left for receivers.
pub(crate) const LIMIT: u32 = 64;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// One dispatch on this thread's stack, until it is dropped.
#[derive(Debug)]
pub(crate) struct Nested {
    before: u32,
}

impl Nested {
    /// One more than there are. `None` when there are as many as there can be.
    #[inline]
    pub(crate) fn enter() -> Option<Self> {
        let before = depth();
        (before < LIMIT).then(|| {
            DEPTH.set(before + 1);
            Self { before }
        })
    }

    /// The dispatches of another thread, a part of which runs on this one.
    pub(crate) fn resume(depth: u32) -> Self {
        Self { before: DEPTH.replace(depth) }
    }
}

impl Drop for Nested {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(self.before);
    }
}

/// How many there are on this thread.
#[inline]
pub(crate) fn depth() -> u32 {
    DEPTH.get()
}
