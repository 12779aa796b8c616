//! What the attribute leaves behind: the function as it was written, and one static that registers it.

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
    let parameters = function
        .parameters
        .iter()
        .map(|Parameter { name, ty, cfg }| quote!(#(#cfg)* __athm::parameter::<#ty>(#name).declared()));
    let options = options(arguments);
    let kind = match (function.is_async, &arguments.blocking) {
        (true, _) => quote!(Async),
        (false, Some(_)) => quote!(Blocking),
        (false, None) => quote!(Sync),
    };
    let call = call(function);
    let allowed = &function.allowed;
    // Where no `const _` may stand, as in an `impl`, the compiler says so of the function's name.
    let header = quote_spanned!(function.name.span()=> const _: ());
    quote! {
        #(#[allow(#allowed)])*
        #header = {
            use #athm::__private as __athm;
            #call
            __athm::register!(__athm::Receiver::new(
                #id,
                &[#(__athm::Signal::#signals),*],
                &[#(#parameters),*],
                __athm::Call::#kind(__call)
            ) #options);
        };
    }
}

/// What the attribute gives beyond the signals and the id.
fn options(arguments: &Arguments) -> TokenStream {
    let order = arguments.order.map(|order| quote!(.order(#order)));
    let sender = arguments.sender.as_ref().map(|sender| quote!(.sender(#sender)));
    let attempts = arguments.attempts.map(|attempts| quote!(.attempts(#attempts)));
    let timeout = arguments.timeout_ms.map(|timeout| quote!(.timeout_ms(#timeout)));
    quote!(#order #sender #attempts #timeout)
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

/// The function behind the one signature that all receivers of its kind have.
fn call(function: &Function) -> TokenStream {
    let name = &function.name;
    let span = ours_at(name.span());
    let arguments = function.parameters.iter().map(argument);
    let called = quote_spanned!(span=> #name(#(#arguments),*));
    let called = if function.is_async { quote_spanned!(span=> #called.await) } else { called };
    let outcome = match &function.returns {
        Some(returns) => quote!(__athm::outcome::<#returns>()(#called)),
        // Bound, because the function may be `#[must_use]`.
        None => quote!(let () = #called; __athm::Ok(())),
    };
    let context = context(span);
    if function.is_async {
        // The body owns the context, so that nobody has to keep it while the body waits. On the function's name, as if the user
        // had written it there, because there the compiler says that a future isn't `Send`.
        let boxed = quote_spanned!(name.span()=> __athm::boxed(async move { let #context = &#context; #outcome }));
        quote_spanned!(span=> fn __call(#context: __athm::Context<'_>) -> __athm::BoxFuture<'_, __athm::Outcome> { #boxed })
    } else {
        quote_spanned!(span=> fn __call(#context: __athm::Lent<'_>) -> __athm::Outcome { #outcome })
    }
}

/// One argument, on the parameter's type, because there the compiler says that it outlives the context.
fn argument(Parameter { name, ty, cfg }: &Parameter) -> TokenStream {
    let place = ty.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
    let span = ours_at(place);
    let context = context(place);
    // Nowhere, as in the static: the compiler says the same of both, and therefore says it once.
    let parameter = quote!(__athm::parameter::<#ty>(#name));
    let taken = quote_spanned!(place=> __athm::argument(#parameter, #context));
    // A `match`, because a `?` takes the compiler longer.
    let argument = quote_spanned! {span=>
        match #taken {
            __athm::Ok(__argument) => __argument,
            __athm::Err(__rejection) => return __athm::Err(__rejection),
        }
    };
    quote!(#(#cfg)* #argument)
}

/// That place, for tokens that aren't the user's: no lint looks at them, and no advice is given on changing them.
fn ours_at(place: Span) -> Span {
    Span::call_site().located_at(place)
}

/// The shim's own variable, at that place, but apart from the user's names.
fn context(place: Span) -> Ident {
    Ident::new("__context", Span::mixed_site().located_at(place))
}

#[cfg(test)]
mod tests;
