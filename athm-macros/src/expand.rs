//! What the attribute leaves behind: the function as it was written, and one static that registers it.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use crate::args::Arguments;
use crate::crate_path;
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
    let athm = crate_path::find(arguments.crate_path.take(), user, &mut errors);
    let beside = match (errors.into_compile_errors(), function) {
        (Some(mistakes), _) => mistakes,
        (None, Some(function)) => registration(&arguments, &function, &athm),
        (None, None) => TokenStream::new(),
    };
    quote!(#item #beside)
}

/// One static per receiver, in a const without a name: nothing of it can clash, or be seen.
fn registration(arguments: &Arguments, function: &Function, athm: &TokenStream) -> TokenStream {
    let id = id(arguments, function);
    let signals = arguments.signals.iter().map(|signal| Ident::new(signal.variant, Span::call_site()));
    let order = arguments.order.map(|order| quote!(order: #order,));
    let sender = arguments.sender.as_ref().map(|sender| quote!(sender: __athm::Some(#sender),));
    let attempts = arguments.attempts.map(|attempts| quote!(attempts: __athm::Some(#attempts),));
    let timeout = arguments.timeout.map(timeout);
    let parameters = function
        .parameters
        .iter()
        .map(|Parameter { name, ty, cfg }| quote!(#(#cfg)* __athm::Parameter::of::<#ty>(#name)));
    let call = call(function, arguments.blocking.is_some());
    let allowed = &function.allowed;
    // Where no `const _` may stand, as in an `impl`, the compiler says so of the function's name.
    let header = quote_spanned!(function.name.span()=> const _: ());
    quote! {
        #(#[allow(#allowed)])*
        #header = {
            use #athm::__private as __athm;
            #[__athm::linkme::distributed_slice(__athm::ATHM_RECEIVERS_V1)]
            #[linkme(crate = __athm::linkme)]
            static __ATHM_RECEIVER: __athm::Receiver = __athm::Receiver {
                id: #id,
                signals: &[#(__athm::Signal::#signals),*],
                #order
                #sender
                #attempts
                #timeout
                parameters: &[#(#parameters),*],
                call: #call,
                ..__athm::Receiver::here()
            };
        };
    }
}

/// The given id, or `module_path::function`.
fn id(arguments: &Arguments, function: &Function) -> TokenStream {
    match &arguments.id {
        Some(id) => quote!(#id),
        None => {
            let name = function.name.unraw().to_string();
            quote!(__athm::concat!(__athm::module_path!(), "::", #name))
        }
    }
}

fn timeout(timeout: Duration) -> TokenStream {
    let (seconds, nanos) = (timeout.as_secs(), timeout.subsec_nanos());
    quote!(timeout: __athm::Some(__athm::Duration::new(#seconds, #nanos)),)
}

/// The function behind the one signature that all receivers of its kind have.
fn call(function: &Function, is_blocking: bool) -> TokenStream {
    let name = &function.name;
    // On the function's name, because there the compiler says that a future isn't `Send`.
    let span = name.span();
    let arguments = function.parameters.iter().map(argument);
    let called = quote_spanned!(span=> #name(#(#arguments),*));
    let returns = function.returns.clone().unwrap_or_else(|| quote!(()));
    let context = context(span);
    let (kind, body) = if function.is_async {
        let body = quote!(__athm::outcome::<#returns>()(#called.await));
        // The body owns the context, so that nobody has to keep it while the body waits.
        (quote!(Async), quote_spanned!(span=> __athm::boxed(async move { let #context = &#context; #body })))
    } else {
        let kind = if is_blocking { quote!(Blocking) } else { quote!(Sync) };
        (kind, quote_spanned!(span=> __athm::outcome::<#returns>()(#called)))
    };
    quote!(__athm::Call::#kind(|#context| #body))
}

/// One argument, on the parameter's type, because there the compiler says that it outlives the context.
fn argument(Parameter { name, ty, cfg }: &Parameter) -> TokenStream {
    let span = ty.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
    let context = context(span);
    let taken = quote_spanned!(span=> __athm::argument::<#ty>(#context, #name));
    quote!(#(#cfg)* #taken?)
}

/// The shim's own variable, at that place, but apart from the user's names.
fn context(span: Span) -> Ident {
    Ident::new("__context", Span::mixed_site().located_at(span))
}

#[cfg(test)]
mod tests;
