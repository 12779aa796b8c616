//! What the attribute leaves behind: the function as it was written, and one static that registers it.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt;

use crate::args::Arguments;
use crate::crate_path::{self, Exporter};
use crate::errors::Errors;
use crate::several;
use crate::signature::{Function, Parameter};
use crate::values::{Id, Number, Sender, Time};

mod names;

use self::names::Names;

/// The function as it was written, whatever is wrong, and beside it the registration or every mistake.
pub(crate) fn receiver(arguments: TokenStream, item: TokenStream, exporter: Exporter) -> TokenStream {
    let mut errors = Errors::default();
    let user = item.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
    let given = arguments.clone();
    let mut arguments = Arguments::parse(arguments, user, &mut errors);
    let function = Function::parse(item.clone(), arguments.blocking.as_ref(), &mut errors);
    several::check(&arguments, item.clone(), &mut errors);
    let athm = crate_path::find(arguments.crate_path.take(), exporter, user, &mut errors);
    if let Some(mistakes) = errors.into_compile_errors() {
        return quote!(#item #mistakes);
    }
    let Some(function) = function else { return item };
    let (names, is_deprecated) = (Names::beside(&given, &function), function.is_deprecated);
    let registration = Registration { arguments, function, athm, names };
    if is_deprecated { within_body(item, &registration) } else { quote!(#item #registration) }
}

/// The item with the registration as the first item of its body: what is deprecated is used without a warning only there,
/// where `#[allow(deprecated)]` may be forbidden.
fn within_body(item: TokenStream, registration: &Registration) -> TokenStream {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.last_mut() {
        let (statements, span) = (body.stream(), body.span());
        *body = Group::new(body.delimiter(), quote!(#registration #statements));
        body.set_span(span);
    }
    tokens.into_iter().collect()
}

/// What registers a function.
struct Registration {
    arguments: Arguments,
    function: Function,
    athm: TokenStream,
    names: Names,
}

impl ToTokens for Registration {
    /// One static per receiver, in a const without a name: nothing of it can clash, or be seen.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { arguments, function, athm, names } = self;
        let Names { private, call, record, .. } = names;
        let (id, signals, options, shim) = (self.id(), self.signals(), self.options(), self.shim());
        let has_default_id = arguments.id.is_none();
        let parameters = function.parameters.iter().map(|parameter| self.declared(parameter));
        let constructor = match (function.is_async, &arguments.blocking) {
            (true, _) => quote!(async_receiver),
            (false, Some(_)) => quote!(blocking_receiver),
            (false, None) => quote!(sync_receiver),
        };
        let allowed = &function.allowed;
        // Where no `const _` may stand, as in an `impl`, the compiler says so of the function's name.
        let header = quote_spanned!(function.name.span()=> const _: ());
        tokens.extend(quote! {
            #(#[allow(#allowed)])*
            #header = {
                use #athm::__private as #private;
                #shim
                #private::ATHM_RECEIVERS_V1! {
                    #![linkme_macro = #private::ATHM_RECEIVERS_V1]
                    static #record: #private::Receiver = #private::#constructor(
                        #id,
                        #has_default_id,
                        #signals,
                        &[#(#parameters),*],
                        #call
                    ) #options;
                }
            };
        });
    }
}

impl Registration {
    fn signals(&self) -> TokenStream {
        let private = &self.names.private;
        // A constant of ours takes the compiler less than a list of one.
        if let [signal] = self.arguments.signals[..] {
            let signal = Ident::new(&signal.variant.to_uppercase(), Span::call_site());
            return quote!(#private::#signal);
        }
        let signals = self.arguments.signals.iter().map(|signal| Ident::new(signal.variant, Span::call_site()));
        quote!(&[#(#private::Signal::#signals),*])
    }

    /// The given id, or `module_path::function`.
    fn id(&self) -> TokenStream {
        let private = &self.names.private;
        match &self.arguments.id {
            Some(Id::Text(text)) => quote!(#text),
            Some(Id::Const(expression)) => self.checked("id", expression),
            None => {
                let name = self.function.name.unraw().to_string();
                quote!(#private::concat!(#private::module_path!(), "::", #name))
            }
        }
    }

    /// What the attribute gives beyond the signals and the id.
    fn options(&self) -> TokenStream {
        let Arguments { order, senders, attempts, backoff, timeout, concurrency, condition, was, .. } = &self.arguments;
        let order = order.as_ref().map(|order| match order {
            Number::Literal(order) => quote!(.order(#order)),
            Number::Const(order) => method("order", order),
        });
        let senders = senders.as_ref().map(|senders| {
            let senders = senders.iter().map(|sender| match sender {
                Sender::Text(text) => quote!(&#text),
                Sender::Const(constant) => around(constant, |start, end| {
                    let reference = quote_spanned!(start=> &);
                    // What may own a text can be kept by reference, but only in a block that is constant by itself.
                    quote_spanned!(end=> const { #reference #constant })
                }),
            });
            quote!(.senders(&[#(#senders),*]))
        });
        let attempts = attempts.as_ref().map(|attempts| self.count("attempts", attempts));
        let backoff = backoff.as_ref().map(|backoff| self.time("backoff", backoff));
        let timeout = timeout.as_ref().map(|timeout| self.time("timeout", timeout));
        let concurrency = concurrency.as_ref().map(|concurrency| self.count("concurrency", concurrency));
        let condition = condition.as_ref().map(|condition| method("condition", condition));
        let was = was.as_ref().map(|was| {
            let was = was.iter().map(|id| match id {
                Id::Text(text) => quote!(#text),
                Id::Const(expression) => self.checked("was", expression),
            });
            quote!(.was(&[#(#was),*]))
        });
        quote!(#order #senders #attempts #backoff #timeout #concurrency #condition #was)
    }

    fn count(&self, option: &str, count: &Number<u32>) -> TokenStream {
        let method = Ident::new(option, Span::call_site());
        let count = match count {
            Number::Literal(count) => quote!(#count),
            Number::Const(count) => self.checked(option, count),
        };
        quote!(.#method(#count))
    }

    fn time(&self, option: &str, time: &Time) -> TokenStream {
        match time {
            Time::Millis(millis) => {
                let method = Ident::new(&format!("{option}_ms"), Span::call_site());
                quote!(.#method(#millis))
            }
            Time::Const(limit) => {
                let (method, limit) = (Ident::new(option, Span::call_site()), self.checked(option, limit));
                quote!(.#method(#limit))
            }
        }
    }

    /// A constant of the user's in the function of athm's that checks it.
    fn checked(&self, check: &str, constant: &Expr) -> TokenStream {
        around(constant, |start, end| {
            let (private, check) = (self.names.private_at(start), Ident::new(check, start));
            quote_spanned!(end=> #private::#check(#constant))
        })
    }

    /// The function behind the one signature that all receivers of its kind have.
    fn shim(&self) -> TokenStream {
        let (Function { name, .. }, Names { private, call, .. }) = (&self.function, &self.names);
        let (span, outcome) = (ours_at(name.span()), self.outcome());
        let context = self.names.context(span);
        if self.function.is_async {
            // The body owns the context, and keeps it while it waits. Spanned at the function's name,
            // because that is where the compiler reports that a future isn't `Send`.
            let here = self.names.private_at(name.span());
            let boxed = quote_spanned!(name.span()=> #here::boxed(async move { let #context = &#context; #outcome }));
            quote_spanned! {span=>
                fn #call(#context: #private::Context<'_>) -> #private::BoxFuture<'_, #private::Outcome> { #boxed }
            }
        } else {
            quote_spanned!(span=> fn #call(#context: #private::ContextRef<'_>) -> #private::Outcome { #outcome })
        }
    }

    /// The function, called with its arguments.
    fn outcome(&self) -> TokenStream {
        let (Function { name, parameters, returns, is_async, .. }, private) = (&self.function, &self.names.private);
        let span = ours_at(name.span());
        // The most frequent form. A `map` takes the compiler less than the `match` of an argument: a tenth of all that it does.
        if let ([only], None, false) = (&parameters[..], returns, is_async)
            && only.cfg.is_empty()
        {
            let taken = self.taken(only);
            return quote_spanned!(span=> #taken.map(#name));
        }
        let arguments = parameters.iter().map(|parameter| self.argument(parameter));
        let called = quote_spanned!(span=> #name(#(#arguments),*));
        let called = if *is_async { quote_spanned!(span=> #called.await) } else { called };
        match returns {
            Some(returns) => quote!(#private::outcome::<#returns>()(#called)),
            // Bound, because the function may be `#[must_use]`.
            None => quote!(let () = #called; #private::Ok(())),
        }
    }

    /// A parameter as the static declares it. Over the whole type, because there the compiler reports that a signal can't give it.
    fn declared(&self, Parameter { name, ty, is_loaded, cfg }: &Parameter) -> TokenStream {
        let (private, signals) = (&self.names.private, self.signals());
        let kind = kind(*is_loaded);
        let parameter = quote!(#private::#kind::<#ty>(#name));
        around(ty, |start, end| {
            let private = self.names.private_at(start);
            // The function's own name has the place that the compiler shows.
            let declared = Ident::new(if *is_loaded { "declared_loaded" } else { "declared" }, end);
            quote_spanned!(end=> #(#cfg)* #private::#declared(#parameter, #signals))
        })
    }

    /// One argument, or the end of the call.
    fn argument(&self, parameter: &Parameter) -> TokenStream {
        let Names { private, value, .. } = &self.names;
        let (cfg, taken) = (&parameter.cfg, self.taken(parameter));
        // A `match`, because a `?` takes the compiler longer.
        let argument = quote_spanned! {ours_at(parameter.place())=>
            match #taken {
                #private::Ok(#value) => #value,
                #private::Err(#value) => return #private::Err(#value),
            }
        };
        quote!(#(#cfg)* #argument)
    }

    /// What the context has for a parameter, on the parameter's type, because there the compiler reports that it outlives the
    /// context.
    fn taken(&self, parameter: &Parameter) -> TokenStream {
        let Parameter { name, ty, is_loaded, .. } = parameter;
        let (private, place) = (&self.names.private, parameter.place());
        let (context, here) = (self.names.context(place), self.names.private_at(place));
        // Nowhere, as in the static: the compiler says the same of both, and therefore says it once.
        let kind = kind(*is_loaded);
        let parameter = quote!(#private::#kind::<#ty>(#name));
        if *is_loaded {
            quote_spanned!(place=> #here::load(#parameter, #context).await)
        } else {
            quote_spanned!(place=> #here::argument(#parameter, #context))
        }
    }
}

/// What declares a parameter.
fn kind(is_loaded: bool) -> Ident {
    Ident::new(if is_loaded { "loaded" } else { "parameter" }, Span::call_site())
}

/// An option whose value only the compiler checks, by the type that the method takes.
fn method(option: &str, value: &Expr) -> TokenStream {
    around(value, |start, end| {
        let method = Ident::new(option, start);
        quote_spanned!(end=> .#method(#value))
    })
}

/// What the user wrote, from its first to its last token: tokens of ours at these two places are shown as all of it. They
/// are the user's own places, because the compiler shows where a constant fails outside of any macro.
fn around(written: &impl ToTokens, ours: impl Fn(Span, Span) -> TokenStream) -> TokenStream {
    let mut spans = written.to_token_stream().into_iter().map(|token| token.span());
    let start = spans.next().unwrap_or_else(Span::call_site);
    ours(start, spans.last().unwrap_or(start))
}

/// That place, for tokens that aren't the user's: no lint looks at them, and no advice is given on changing them.
fn ours_at(place: Span) -> Span {
    Span::call_site().located_at(place)
}

#[cfg(test)]
mod tests;
