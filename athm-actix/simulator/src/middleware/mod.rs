//! What every request passes on its way: who may ask, and which fault is injected.

mod access;
mod inject;
mod odd_answer;

pub(crate) use self::access::control_access;
pub(crate) use self::inject::inject_faults;
