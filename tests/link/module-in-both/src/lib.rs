//! The library of a package whose program has one of its modules, too.

mod receivers;
