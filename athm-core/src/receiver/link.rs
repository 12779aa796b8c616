//! Naming the crates that receivers are in.

/// Links crates of receivers into the program.
///
/// The linker silently leaves out a crate that the program doesn't name, and its receivers with it. In Django, `ready()` imports
/// the module of receivers; here, the program's own crate names each crate of receivers once, outside of any function:
///
/// ```
/// # mod the_program {
/// # extern crate tempfile as shop_receivers;
/// # extern crate tokio as audit_receivers;
/// athm_core::link!(shop_receivers, audit_receivers);
/// # }
/// ```
///
/// Receivers in the program's own crate need no naming, nor do those of a crate of which anything else is used.
/// [`AthmBuilder::expect_receivers`](crate::AthmBuilder::expect_receivers) makes sure that none is lost. The linker collects
/// receivers on Linux, Android, macOS, iOS, Windows, FreeBSD, OpenBSD and illumos; on WebAssembly and other targets that
/// linkme doesn't serve, athm doesn't compile.
#[macro_export]
macro_rules! link {
    ($($the_crate:ident),+ $(,)?) => {
        $(use $the_crate as _;)+
    };
}
