#![doc = include_str!("testing.md")]

mod call;
mod only;
mod ran;
mod recorder;
mod sample;

pub use self::call::{Call, call};
pub use self::only::only;
pub use self::ran::Run;
pub use self::recorder::Recorder;
pub use self::sample::Sample;
