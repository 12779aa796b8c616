//! What the attribute leaves behind: the function as it was written, and one static that registers it.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use crate::args::Arguments;
use crate::crate_path::Private;
use crate::errors::Errors;
use crate::several;
use crate::signature::{Function, Parameter};

/// The function as it was written, whatever is wrong, and beside it the registration or every mistake.
pub(crate) fn receiver(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let user = item.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
    let mut arguments = Arguments::parse(arguments, user, &mut errors);
    let function = Function::parse(item.clone(), arguments.blocking.as_ref(), &mut errors);
    several::check(&arguments, item.clone(), &mut errors);
    let private = Private::find(arguments.crate_path.take(), user, &mut errors);
    let beside = match (errors.into_compile_errors(), function, private) {
        (None, Some(function), Some(private)) => registration(&arguments, &function, &private),
        (mistakes, ..) => mistakes.unwrap_or_default(),
    };
    quote!(#item #beside)
}

/// One static per receiver, in a const without a name: nothing of it can clash, or be seen.
fn registration(arguments: &Arguments, function: &Function, athm: &Private) -> TokenStream {
    let private = athm.at(Span::call_site());
    let id = id(arguments, function, &private);
    let signals = arguments.signals.iter().map(|signal| Ident::new(signal.variant, Span::call_site()));
    let order = arguments.order.map(|order| quote!(order: #order,));
    let sender = arguments.sender.as_ref().map(|sender| quote!(sender: #private::Some(#sender),));
    let parameters = function
        .parameters
        .iter()
        .map(|Parameter { name, ty, cfg }| quote!(#(#cfg)* #private::Parameter::of::<#ty>(#name)));
    let attempts = arguments.attempts.map(|attempts| quote!(attempts: #private::Some(#attempts),));
    let timeout = arguments.timeout.map(|timeout| timeout_of(timeout, &private));
    let call = call(function, arguments.blocking.is_some(), athm);
    let allowed = &function.allowed;
    quote! {
        #(#[allow(#allowed)])*
        const _: () = {
            #[#private::linkme::distributed_slice(#private::ATHM_RECEIVERS_V1)]
            #[linkme(crate = #private::linkme)]
            static __ATHM_RECEIVER: #private::Receiver = #private::Receiver {
                id: #id,
                signals: &[#(#private::Signal::#signals),*],
                #order
                #sender
                #attempts
                #timeout
                parameters: &[#(#parameters),*],
                call: #call,
                ..#private::Receiver::here()
            };
        };
    }
}

/// The given id, or `module_path::function`.
fn id(arguments: &Arguments, function: &Function, private: &TokenStream) -> TokenStream {
    match &arguments.id {
        Some(id) => quote!(#id),
        None => {
            let name = function.name.unraw().to_string();
            quote!(#private::concat!(#private::module_path!(), "::", #name))
        }
    }
}

fn timeout_of(timeout: Duration, private: &TokenStream) -> TokenStream {
    let (seconds, nanos) = (timeout.as_secs(), timeout.subsec_nanos());
    quote!(timeout: #private::Some(#private::Duration::new(#seconds, #nanos)),)
}

/// The function behind the one signature that all receivers of its kind have.
fn call(function: &Function, is_blocking: bool, athm: &Private) -> TokenStream {
    let name = &function.name;
    // On the function's name, because there the compiler says that a future isn't `Send`.
    let span = name.span();
    let private = athm.at(span);
    let arguments = function.parameters.iter().map(|parameter| argument(parameter, athm));
    let called = quote_spanned!(span=> #name(#(#arguments),*));
    let returns = function.returns.clone().unwrap_or_else(|| quote!(()));
    let context = context(span);
    let (kind, body) = if function.is_async {
        let body = quote!(#private::outcome::<#returns>()(#called.await));
        // The body owns the context, so that nobody has to keep it while the body waits.
        (quote!(Async), quote_spanned!(span=> #private::boxed(async move { let #context = &#context; #body })))
    } else {
        let kind = if is_blocking { quote!(Blocking) } else { quote!(Sync) };
        (kind, quote_spanned!(span=> #private::outcome::<#returns>()(#called)))
    };
    let private = athm.at(Span::call_site());
    quote!(#private::Call::#kind(|#context| #body))
}

/// One argument, on the parameter's type, because there the compiler says that it outlives the context.
fn argument(Parameter { name, ty, cfg }: &Parameter, athm: &Private) -> TokenStream {
    let span = ty.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
    let private = athm.at(span);
    let context = context(span);
    let taken = quote_spanned!(span=> #private::argument::<#ty>(#context, #name));
    quote!(#(#cfg)* #taken?)
}

/// The shim's own variable, at that place, but apart from the user's names.
fn context(span: Span) -> Ident {
    Ident::new("__context", Span::mixed_site().located_at(span))
}

#[cfg(test)]
mod tests;
