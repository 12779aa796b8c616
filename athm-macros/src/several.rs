//! Several `#[receiver]` on one function: each expands on its own, and leaves the function to the next.

use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Meta};

use crate::args::Arguments;
use crate::errors::Errors;
use crate::values::Id;
use crate::words;

/// Reports the next one below that has the id of this one.
///
/// The compiler expands them from the top, and hands each one the function with those that are still below. So each
/// looks for but one, and no two report the same.
pub(crate) fn check(arguments: &Arguments, item: TokenStream, errors: &mut Errors) {
    let below = attributes(item);
    let next = below.iter().find_map(|attribute| {
        let other = other_receiver(attribute)?;
        has_id_of(arguments, &other).then_some((attribute, other))
    });
    match next {
        Some((_, Arguments { id: Some(id), .. })) => {
            let help = format!("give each `#[receiver]` an `{}` of its own", words::ID);
            errors.on(&id, format!("two receivers have the id {}", id.shown()), help);
        }
        Some((attribute, Arguments { signals, .. })) => {
            let signal = signals.first().map_or("completed", |signal| signal.name);
            let help = format!("give each an `id`, as in `#[receiver({signal}, id = \"shop::{signal}\")]`");
            errors.on(&attribute.meta, "several `#[receiver]` on one function need ids", help);
        }
        None => {}
    }
}

fn attributes(item: TokenStream) -> Vec<Attribute> {
    let outer = |input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_outer)?;
        input.parse::<TokenStream>()?;
        Ok(attributes)
    };
    outer.parse2(item).unwrap_or_default()
}

/// What an attribute says, if it is one of ours: by whatever path, and with a signal. Under another name it is found only
/// as the program starts, when two receivers have one id.
fn other_receiver(attribute: &Attribute) -> Option<Arguments> {
    let Meta::List(list) = &attribute.meta else { return None };
    let is_named_so = list.path.segments.last().is_some_and(|name| name.ident == "receiver");
    let arguments = Arguments::parse(list.tokens.clone(), Span::call_site(), &mut Errors::default());
    (is_named_so && !arguments.signals.is_empty()).then_some(arguments)
}

/// Two ids that aren't written are the same: both are the function's name.
fn has_id_of(one: &Arguments, other: &Arguments) -> bool {
    let id = |arguments: &Arguments| arguments.id.as_ref().map(Id::shown);
    !one.has_wrong_id() && !other.has_wrong_id() && id(one) == id(other)
}
