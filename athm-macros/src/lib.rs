//! The `#[receiver]` attribute of athm. Use it through `athm-actix` or `athm-core`, which re-export it.

mod args;
mod crate_path;
mod errors;
mod expand;
mod several;
mod signature;
mod values;
mod words;

use proc_macro::TokenStream;

use self::crate_path::Exporter;

#[doc = include_str!("receiver.md")]
#[proc_macro_attribute]
pub fn receiver(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::receiver(arguments.into(), item.into(), Exporter::Core).into()
}

// What `athm-actix` re-exports as `receiver`: the same, but it looks for that crate first.
#[cfg_attr(not(doctest), doc = include_str!("receiver.md"))]
#[proc_macro_attribute]
pub fn actix_receiver(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::receiver(arguments.into(), item.into(), Exporter::Actix).into()
}
