//! The names of what the attribute leaves behind.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

use crate::signature::{Function, Parameter, find_word};

/// Names that nothing has which the user wrote in the attribute or in the signature: an item of ours by such a name would
/// come between that and what is meant.
pub(super) struct Names {
    /// athm's `__private`.
    pub(super) private: Ident,
    /// The function behind the one signature for all.
    pub(super) call: Ident,
    /// The static.
    pub(super) record: Ident,
    /// A parameter's value, or why there is none.
    pub(super) value: Ident,
    context: Ident,
}

/// What begins so is the macro's. A constant of such a name in the user's module would take a variable's place.
const NAMES: [&str; 5] = ["__athm", "__athm_call", "__ATHM_RECEIVER", "__athm_value", "__athm_context"];

impl Names {
    /// Names beside the attribute's arguments and the function's name and types.
    pub(super) fn beside(arguments: &TokenStream, function: &Function) -> Self {
        let (name, returns) = (&function.name, &function.returns);
        let types = function.parameters.iter().map(|Parameter { ty, .. }| ty.to_token_stream());
        let written = quote!(#arguments #name #(#types)* #returns);
        let mut suffix = String::new();
        while NAMES.iter().any(|name| find_word(written.clone(), &format!("{name}{suffix}")).is_some()) {
            suffix.push('_');
        }
        let [private, call, record, value, context] =
            NAMES.map(|name| Ident::new(&format!("{name}{suffix}"), Span::call_site()));
        Self { private, call, record, value, context }
    }

    /// athm's `__private`, at that place.
    pub(super) fn private_at(&self, place: Span) -> Ident {
        let mut private = self.private.clone();
        private.set_span(place);
        private
    }

    /// The shim's own variable, at that place, but apart from the user's variables.
    pub(super) fn context(&self, place: Span) -> Ident {
        let mut context = self.context.clone();
        context.set_span(Span::mixed_site().located_at(place));
        context
    }
}
