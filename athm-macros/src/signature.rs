//! What may stand below the attribute.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    Attribute, FnArg, GenericArgument, GenericParam, Meta, Pat, PatType, Path, PathArguments, ReturnType, Safety,
    Signature, Token, Type, TypePath, Visibility,
};

use crate::errors::Errors;

/// A function that can be a receiver.
pub(crate) struct Function {
    pub(crate) name: Ident,
    pub(crate) is_async: bool,
    pub(crate) parameters: Vec<Parameter>,
    /// The type that it returns, if one is written.
    pub(crate) returns: Option<TokenStream>,
    /// The lints that are silenced for it.
    pub(crate) allowed: Vec<TokenStream>,
    /// Whether the compiler warns of calling it.
    pub(crate) is_deprecated: bool,
}

/// One of its parameters.
pub(crate) struct Parameter {
    /// The name, or the pattern.
    pub(crate) name: String,
    /// The type, for use outside the signature.
    pub(crate) ty: TokenStream,
    /// Whether it is a `Loaded<T>`.
    pub(crate) is_loaded: bool,
    /// Under which it exists.
    pub(crate) cfg: Vec<Attribute>,
}

impl Parameter {
    /// Where its type begins.
    pub(crate) fn place(&self) -> Span {
        self.ty.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span())
    }
}

impl Function {
    /// Reads the item, but not its body. `None` if it can't be a receiver, or none that is `blocking`.
    pub(crate) fn parse(item: TokenStream, blocking: Option<&Ident>, errors: &mut Errors) -> Option<Self> {
        let Ok(item) = Item::parse.parse2(item.clone()) else {
            refuse_item(item, errors);
            return None;
        };
        let mut refused = Errors::default();
        if let (Some(blocking), Some(_)) = (blocking, &item.signature.asyncness) {
            let help = "remove `blocking`; or remove `async`, if the function blocks its thread rather than awaits";
            refused.on(blocking, "an async receiver can't be `blocking`", help);
        }
        check(&item, &mut refused);
        if errors.append(refused) {
            return None;
        }
        let Signature { ident, asyncness, inputs, output, .. } = item.signature;
        let typed = inputs.into_iter().filter_map(|input| match input {
            FnArg::Typed(parameter) => Some(parameter),
            FnArg::Receiver(_) => None,
        });
        Some(Self {
            name: ident,
            is_async: asyncness.is_some(),
            parameters: typed.map(Parameter::new).collect(),
            returns: match output {
                ReturnType::Default => None,
                ReturnType::Type(_, ty) => Some(outside_of_signature(ty.to_token_stream(), &[])),
            },
            allowed: item.attributes.iter().filter_map(allowed).collect(),
            is_deprecated: item.attributes.iter().any(|attribute| attribute.path().is_ident("deprecated")),
        })
    }
}

impl Parameter {
    fn new(parameter: PatType) -> Self {
        let is_cfg = |attribute: &Attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr");
        Self {
            name: name(&parameter.pat),
            is_loaded: is_loaded(&parameter.ty),
            ty: outside_of_signature(parameter.ty.to_token_stream(), &[]),
            cfg: parameter.attrs.into_iter().filter(is_cfg).collect(),
        }
    }
}

/// A function up to its body.
struct Item {
    attributes: Vec<Attribute>,
    signature: Signature,
    has_body: bool,
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let signature = input.parse()?;
        let has_body = !input.peek(Token![;]);
        input.parse::<TokenStream>()?;
        Ok(Self { attributes, signature, has_body })
    }
}

fn check(item: &Item, errors: &mut Errors) {
    const FREE: &str = "write a free function beside the `impl`, and take what it needs as `State<T>`";

    let Signature { safety, abi, generics, inputs, variadic, output, ident, .. } = &item.signature;
    if let Some(test) = item.attributes.iter().map(Attribute::path).find(|path| is_test(path)) {
        let help = "remove one of the two attributes: a test calls the receiver from a function of its own";
        errors.on(test, "a test can't be a receiver", help);
    }
    if let Safety::Unsafe(safety) = safety {
        errors.on(
            safety,
            "a receiver can't be an `unsafe fn`",
            "remove `unsafe`: athm calls the function, and can't uphold its contract",
        );
    }
    if let Some(abi) = abi {
        errors.on(abi, "a receiver can't be an `extern` function", "remove it: athm calls the function as a Rust one");
    }
    for parameter in &generics.params {
        match parameter {
            GenericParam::Lifetime(_) => {}
            GenericParam::Type(ty) => {
                let help = "name the type: athm calls the function, and can't choose one";
                errors.on(ty, "a receiver can't have type parameters", help);
            }
            GenericParam::Const(parameter) => {
                let help = "name the value: athm calls the function, and can't choose one";
                errors.on(parameter, "a receiver can't have const parameters", help);
            }
        }
    }
    if let Some(clause) = &generics.where_clause {
        errors.on(clause, "a receiver can't have a `where` clause", "remove it, and name the types");
    }
    for input in inputs {
        match input {
            FnArg::Receiver(receiver) => errors.on(receiver, "a receiver can't be a method", FREE),
            FnArg::Typed(PatType { ty, .. }) => {
                if let Some(word) = find_word(ty.to_token_stream(), "impl") {
                    errors.on(word, "a receiver's parameter can't be `impl Trait`", "name the type");
                } else if is_loaded(ty) && item.signature.asyncness.is_none() {
                    let help = "write `async fn`: the value is awaited before the function is called";
                    errors.on(ty, "only an async receiver can take a `Loaded<T>`", help);
                } else if let Some(word) = find_word(ty.to_token_stream(), "Self") {
                    errors.on(word, "a receiver can't be a method", FREE);
                }
            }
        }
    }
    if let Some(variadic) = variadic {
        errors.on(variadic, "a receiver can't be variadic", "name each parameter and its type");
    }
    if let ReturnType::Type(_, ty) = output {
        if matches!(**ty, Type::Never(_)) {
            errors.on(ty, "a receiver can't return `!`", "return nothing, or `Result<(), E>`: a receiver must end");
        } else if borrows(ty) {
            let help = "let the error own what it holds: a `String` where it has a `&str`";
            errors.on(ty, "a receiver's error can't borrow: it is kept when the receiver has ended", help);
        }
    }
    if !item.has_body && errors.is_empty() {
        errors.on(ident, "a receiver needs a body", "write a free function with a body: athm calls this very function");
    }
}

/// Says what stands below the attribute instead of a function. On an expression the compiler has spoken already.
fn refuse_item(item: TokenStream, errors: &mut Errors) {
    let help = "put it on a function, as in `#[receiver(completed)] fn fulfil(transaction: &Transaction) {}`";
    if let Some(keyword) = keyword(item) {
        errors.on(&keyword, format!("expected a function, found `{keyword}`"), help);
    }
}

/// The word that says what an item is: the first one that is no attribute, visibility or modifier.
fn keyword(item: TokenStream) -> Option<Ident> {
    let mut tokens = item.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let TokenTree::Ident(word) = token
            && MODIFIERS.iter().all(|modifier| word != modifier)
        {
            let is_call = matches!(tokens.peek(), Some(TokenTree::Punct(bang)) if bang.as_char() == '!');
            return (is_call || ITEMS.iter().any(|item| word == item)).then_some(word);
        }
    }
    None
}

/// What may come before that word.
const MODIFIERS: [&str; 4] = ["pub", "default", "unsafe", "async"];

/// What starts an item that is no function.
const ITEMS: [&str; 11] =
    ["struct", "enum", "union", "const", "static", "impl", "trait", "mod", "use", "type", "extern"];

/// The lints that are silenced for the function, and so for what repeats its name and its types.
fn allowed(attribute: &Attribute) -> Option<TokenStream> {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("allow") || list.path.is_ident("expect") => Some(list.tokens.clone()),
        _ => None,
    }
}

/// What to call a parameter in messages: the name that it binds, or the whole pattern.
fn name(pattern: &Pat) -> String {
    match pattern {
        Pat::Ident(pattern) => pattern.ident.to_string(),
        Pat::TupleStruct(pattern) if pattern.elems.len() == 1 => name(&pattern.elems[0]),
        other => other.to_token_stream().to_string(),
    }
}

/// Whether a parameter's type is athm's `Loaded<T>`, by whatever path.
fn is_loaded(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Loaded"))
}

/// Whether it is an attribute that makes a test of a function: `#[test]`, `#[tokio::test]`.
fn is_test(path: &Path) -> bool {
    path.segments.last().is_some_and(|name| name.ident == "test" || name.ident == "bench")
}

/// Whether a returned type names a lifetime that ends. A borrowed text is no such type: as an error, it is copied.
fn borrows(ty: &Type) -> bool {
    let is_text = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident("str"));
    match ty {
        Type::Reference(reference) if is_text(&reference.elem) => false,
        Type::Path(TypePath { path, .. }) => path.segments.iter().any(|segment| match &segment.arguments {
            PathArguments::AngleBracketed(_) if segment.ident == "Cow" => false,
            PathArguments::AngleBracketed(arguments) => arguments.args.iter().any(|argument| match argument {
                GenericArgument::Lifetime(lifetime) => lifetime.ident != "static",
                GenericArgument::Type(ty) => borrows(ty),
                _ => false,
            }),
            _ => false,
        }),
        Type::Reference(reference) => {
            reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") || borrows(&reference.elem)
        }
        _ => false,
    }
}

/// A type as it can be written outside of the function, where the function's own lifetimes don't exist: `'_` in place of
/// each but `'static` and those that the type itself introduces with `for<…>`.
fn outside_of_signature(ty: TokenStream, introduced: &[Ident]) -> TokenStream {
    if find_word(ty.clone(), "impl").is_some() {
        // Only the function itself can name it.
        let span = ty.into_iter().next().map_or_else(Span::call_site, |first| first.span());
        return Token![_](span).into_token_stream();
    }
    let mut introduced = introduced.to_vec();
    introduced.extend(introduced_by(ty.clone()));
    let mut is_lifetime = false;
    let replaced = ty.into_iter().map(|token| {
        let after_quote = std::mem::take(&mut is_lifetime);
        match token {
            TokenTree::Punct(quote) if quote.as_char() == '\'' => {
                is_lifetime = true;
                TokenTree::Punct(quote)
            }
            TokenTree::Ident(name) if after_quote && name != "static" && !introduced.contains(&name) => {
                TokenTree::Ident(Ident::new("_", name.span()))
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), outside_of_signature(group.stream(), &introduced));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        }
    });
    replaced.collect()
}

/// The lifetimes that stand in `for<…>`.
fn introduced_by(ty: TokenStream) -> Vec<Ident> {
    let mut introduced = Vec::new();
    let mut tokens = ty.into_iter();
    while let Some(token) = tokens.next() {
        if matches!(&token, TokenTree::Ident(word) if word == "for") {
            let list =
                tokens.by_ref().take_while(|token| !matches!(token, TokenTree::Punct(end) if end.as_char() == '>'));
            introduced.extend(list.filter_map(|token| match token {
                TokenTree::Ident(name) => Some(name),
                _ => None,
            }));
        }
    }
    introduced
}

/// The first place of that word, at whatever depth.
pub(crate) fn find_word(tokens: TokenStream, word: &str) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(found) if found == word => Some(found),
        TokenTree::Group(group) => find_word(group.stream(), word),
        _ => None,
    })
}
