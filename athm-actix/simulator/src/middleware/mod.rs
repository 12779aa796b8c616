//! What every request passes on its way: who may ask, and which fault is injected.

mod access;
mod inject;

pub(crate) use self::access::control_access;
pub(crate) use self::inject::inject_faults;
