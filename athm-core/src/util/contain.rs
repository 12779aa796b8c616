//! Containing the panics of a program's own code: receivers, their errors, their futures.

use std::any::Any;
use std::error::Error;
use std::iter::successors;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many causes of an error are followed: an error may name itself as its cause.
const MAX_CAUSES: usize = 16;

/// Runs code that may panic, and returns the panic's message if it does.
pub(crate) fn contain<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(panic_message)
}

/// Drops a value whose `Drop` may panic.
pub(crate) fn drop_contained<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        drop_panic(panic);
    }
}

/// The message of a panic.
pub(crate) fn panic_message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("(no message)").to_owned();
    drop_panic(panic);
    text
}

/// What was thrown is the program's own value: dropping it may panic once more. What that throws is leaked, so that this ends.
fn drop_panic(panic: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(another);
    }
}

/// An error and its causes, outermost first; no more than [`MAX_CAUSES`].
pub(crate) fn causes_of<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |error| (*error).source()).take(MAX_CAUSES)
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    struct PanicsInDrop;

    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            std::panic::panic_any(Self);
        }
    }

    #[derive(Debug)]
    struct ItsOwnCause;

    impl fmt::Display for ItsOwnCause {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")
        }
    }

    impl Error for ItsOwnCause {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(contain(|| 7), Ok(7));
        assert_eq!(contain(|| -> u8 { panic!("out of stock") }), Err(String::from("out of stock")));
        assert_eq!(contain(|| -> u8 { std::panic::panic_any(7) }), Err(String::from("(no message)")));
    }

    #[test]
    fn a_value_that_panics_in_drop_again_and_again_is_dropped_or_leaked() {
        drop_contained(PanicsInDrop);
        assert!(contain(|| std::panic::panic_any(PanicsInDrop)).is_err());
    }

    #[test]
    fn an_error_that_is_its_own_cause_ends() {
        assert_eq!(causes_of(&ItsOwnCause).count(), MAX_CAUSES);
    }
}
