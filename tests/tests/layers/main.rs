//! The modules of each crate keep to the layers that ARCHITECTURE.md lists.

mod check;
mod list;
mod planted;
mod source;
