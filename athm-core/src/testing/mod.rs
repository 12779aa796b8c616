#![doc = include_str!("testing.md")]

mod call;
mod ext;
mod only;
mod ran;
mod recorder;
mod sample;

pub use self::call::{Call, call};
pub use self::ext::{BuilderExt, ClientBuilderExt};
pub use self::only::only;
pub use self::ran::{ReportExt, Run};
pub use self::recorder::Recorder;
pub use self::sample::Sample;
pub use crate::util::clock::Clock;
