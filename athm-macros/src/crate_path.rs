//! How the user's crate names athm.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Path;

use crate::errors::{Errors, attribute_span};

/// athm's crates. Whoever has both may have the second one for tests alone, more likely than the first.
const CRATES: [&str; 2] = ["athm-core", "athm-actix"];

/// The path of athm's private items, as this crate's user can write it.
pub(crate) enum Private {
    /// Below the path given as `crate = …`.
    Given(Path),
    /// Below the dependency of that name.
    Dependency(String),
}

impl Private {
    /// What the user gave, or the dependency in Cargo.toml, also a renamed one.
    pub(crate) fn find(given: Option<Path>, user: Span, errors: &mut Errors) -> Option<Self> {
        if let Some(path) = given {
            return Some(Self::Given(path));
        }
        let found = CRATES.iter().find_map(|name| match crate_name(name) {
            // Each of them says `extern crate self as …`, for its own tests and examples.
            Ok(FoundCrate::Itself) => Some(name.replace('-', "_")),
            Ok(FoundCrate::Name(name)) => Some(name),
            Err(_) => None,
        });
        if found.is_none() {
            let help = "add `athm-actix` to the [dependencies] of Cargo.toml, or say where it is re-exported: \
                `crate = my_framework::athm`";
            errors.at(attribute_span(user), "this crate depends neither on `athm-actix` nor on `athm-core`", help);
        }
        found.map(Self::Dependency)
    }

    /// The path, seen as written at that place.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        match self {
            Self::Given(path) => {
                // Only the place changes: what the names mean, `$crate` above all, is the user's matter.
                let tokens = path.to_token_stream().into_iter().map(|mut token| {
                    token.set_span(token.span().located_at(span));
                    token
                });
                let path: TokenStream = tokens.collect();
                quote_spanned!(span=> #path::__private)
            }
            Self::Dependency(name) => {
                let name = Ident::new(name, span);
                quote_spanned!(span=> ::#name::__private)
            }
        }
    }
}
