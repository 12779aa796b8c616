//! The `#[receiver]` attribute of athm.

use proc_macro::TokenStream;

/// Placeholder.
#[proc_macro_attribute]
pub fn receiver(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}
