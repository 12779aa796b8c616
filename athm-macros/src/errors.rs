//! Mistakes, collected: one attribute reports all of its own at once.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Error;

/// What is wrong with one attribute and its function.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// A mistake on the user's own tokens: what is wrong, and below it what to write.
    pub(crate) fn on(&mut self, tokens: impl ToTokens, wrong: impl Display, help: impl Display) {
        self.push(Error::new_spanned(tokens, message(wrong, help)));
    }

    /// The same, where there is but a place.
    pub(crate) fn at(&mut self, span: Span, wrong: impl Display, help: impl Display) {
        self.push(Error::new(span, message(wrong, help)));
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Everything that was found, as `compile_error!`s, or nothing.
    pub(crate) fn into_compile_errors(self) -> Option<TokenStream> {
        self.0.map(Error::into_compile_error)
    }

    /// Every mistake of `other` too. Says whether there was one.
    pub(crate) fn append(&mut self, other: Self) -> bool {
        let any = other.0.is_some();
        other.0.into_iter().for_each(|error| self.push(error));
        any
    }

    fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }
}

/// The compiler prints the first line as the error, and the second one indented below it.
fn message(wrong: impl Display, help: impl Display) -> String {
    format!("{wrong}\nhelp: {help}")
}

/// The place of the attribute, seen as the user's own text: a plain call site would blame the macro.
pub(crate) fn attribute_span(user: Span) -> Span {
    Span::call_site().resolved_at(user)
}
