//! How the user's crate names athm.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;

use crate::errors::{Errors, attribute_span};

/// athm's crates. Who has both may well have the second one for tests alone, so the first one is taken.
const CRATES: [&str; 2] = ["athm-core", "athm-actix"];

/// The path of athm: the one given as `crate = …`, or the dependency in Cargo.toml, also a renamed one.
pub(crate) fn find(given: Option<Path>, user: Span, errors: &mut Errors) -> TokenStream {
    if let Some(path) = given {
        return path.into_token_stream();
    }
    let found = CRATES.iter().find_map(|name| match crate_name(name) {
        // Each of them says `extern crate self as …`, for its own tests and examples.
        Ok(FoundCrate::Itself) => Some(name.replace('-', "_")),
        Ok(FoundCrate::Name(name)) => Some(name),
        Err(_) => None,
    });
    match found {
        Some(name) => {
            let name = Ident::new(&name, Span::call_site());
            quote!(::#name)
        }
        None => {
            let wrong = "this crate depends neither on `athm-actix` nor on `athm-core`";
            let help = "add `athm-actix` to the [dependencies] of Cargo.toml\n\
                or say where it is re-exported, as in `#[receiver(completed, crate = my_framework::athm)]`";
            errors.at(attribute_span(user), wrong, help);
            TokenStream::new()
        }
    }
}
