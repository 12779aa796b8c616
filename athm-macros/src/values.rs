//! What stands behind an option's `=`: a literal, which is checked here, or a constant expression, which the compiler
//! checks as it evaluates the receiver's static.

use std::ops::RangeInclusive;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;
use syn::{Expr, ExprArray, Lit, LitInt, LitStr, Path, UnOp};

use crate::errors::Errors;
use crate::words::{self, OptionWord};

/// How often a delivery can be tried.
const ATTEMPTS: RangeInclusive<u32> = 1..=100;

/// How many deliveries of one receiver can run at once.
const CONCURRENCY: RangeInclusive<u32> = 1..=10_000;

/// What a time is.
const TIME: &str = "a whole number and a unit, which is `ms`, `s`, `m` or `h`";

/// An id.
pub(crate) enum Id {
    Text(LitStr),
    Const(Expr),
}

impl Id {
    /// As messages show it: equal for two ids that are surely the same.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("{:?}", text.value()),
            Self::Const(expression) => expression.to_token_stream().to_string(),
        }
    }
}

impl ToTokens for Id {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Text(text) => text.to_tokens(tokens),
            Self::Const(expression) => expression.to_tokens(tokens),
        }
    }
}

/// One sender of those that a receiver listens to.
pub(crate) enum Sender {
    Text(LitStr),
    Const(Expr),
}

/// A number.
pub(crate) enum Number<T> {
    Literal(T),
    Const(Expr),
}

/// A time.
pub(crate) enum Time {
    Millis(u64),
    Const(Expr),
}

/// A receiver's id: a text without blanks.
pub(crate) fn id(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Id> {
    match constant(&value) {
        Some(expression) => Some(Id::Const(expression)),
        None => label(option, value, Blanks::Nowhere, errors).map(Id::Text),
    }
}

/// The senders that a receiver listens to: one, or several in brackets.
pub(crate) fn senders(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Vec<Sender>> {
    let Some(Expr::Array(ExprArray { elems, .. })) = constant(&value) else {
        return sender(option, value, errors).map(|sender| vec![sender]);
    };
    if elems.is_empty() {
        let help = format!("write `{}`, or leave it out to listen to all", option.example);
        errors.on(value, "a receiver needs a sender to listen to", help);
        return None;
    }
    // All of them are looked at before one is missing.
    let senders: Vec<_> = elems.iter().map(|one| sender(option, one.to_token_stream(), errors)).collect();
    senders.into_iter().collect()
}

fn sender(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Sender> {
    if let Some(expression) = constant(&value) {
        return Some(Sender::Const(expression));
    }
    let text = label(option, value, Blanks::Within, errors)?;
    let written = text.value();
    if let Some(name) = words::sender_meant(&written) {
        let help = format!(
            "write `sender = {name:?}`\nnote: for a callback of your own with the name {written:?}, write \
             `sender = Sender::from_static({written:?})`"
        );
        errors.on(&text, format!("{written:?} is nearly athm's own sender {name:?}"), help);
        return None;
    }
    Some(Sender::Text(text))
}

/// Where a name may have blanks.
#[derive(Clone, Copy, PartialEq)]
enum Blanks {
    Nowhere,
    Within,
}

fn label(option: &OptionWord, value: TokenStream, blanks: Blanks, errors: &mut Errors) -> Option<LitStr> {
    let name = option.name;
    let Ok(text) = syn::parse2::<LitStr>(value.clone()) else {
        errors.on(value, format!("`{name}` must be a string"), format!("write `{}`", option.example));
        return None;
    };
    let label = text.value();
    if label.trim().is_empty() {
        errors.on(&text, format!("`{name}` is empty"), format!("write `{}`", option.example));
        return None;
    }
    if label.trim() != label || (blanks == Blanks::Nowhere && label.contains(char::is_whitespace)) {
        let bare: Vec<&str> = label.split_whitespace().collect();
        let joined = bare.join(if blanks == Blanks::Nowhere { "_" } else { " " });
        errors.on(&text, format!("`{name}` has blanks in it"), format!("write `{name} = {joined:?}`"));
        return None;
    }
    Some(text)
}

/// A place among the receivers of a signal.
pub(crate) fn order(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Number<i32>> {
    let name = option.name;
    if let Some(expression) = constant(&value) {
        return Some(Number::Const(expression));
    }
    let Some(number) = whole_number(&value, "i32") else {
        let help = format!("write `{}`; lower ones run first, and the default is 0", option.example);
        errors.on(value, format!("`{name}` must be a whole number"), help);
        return None;
    };
    let Ok(order) = number.parse::<i32>() else {
        let size = if number.starts_with('-') { "small" } else { "large" };
        let help = format!("write one from {} to {}; lower ones run first", i32::MIN, i32::MAX);
        errors.on(value, format!("`{name}` is too {size} a number"), help);
        return None;
    };
    Some(Number::Literal(order))
}

/// How often a delivery is tried in all.
pub(crate) fn attempts(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Number<u32>> {
    count(option, value, ATTEMPTS, "how often it is tried in all, which is 10 times unless given", errors)
}

/// How many of its deliveries run at once.
pub(crate) fn concurrency(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Number<u32>> {
    count(option, value, CONCURRENCY, "how many of its deliveries run at once in a process", errors)
}

fn count(
    option: &OptionWord,
    value: TokenStream,
    allowed: RangeInclusive<u32>,
    meaning: &str,
    errors: &mut Errors,
) -> Option<Number<u32>> {
    let name = option.name;
    if let Some(expression) = constant(&value) {
        return Some(Number::Const(expression));
    }
    let help = format!("write `{}`: {meaning}", option.example);
    let Some(number) = whole_number(&value, "u32") else {
        errors.on(value, format!("`{name}` must be a whole number"), help);
        return None;
    };
    let Some(count) = number.parse().ok().filter(|count| allowed.contains(count)) else {
        let (least, most) = (allowed.start(), allowed.end());
        errors.on(value, format!("`{name}` must be a number from {least} to {most}"), help);
        return None;
    };
    Some(Number::Literal(count))
}

/// When a delivery is made: a function of the payment.
pub(crate) fn condition(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Expr> {
    let condition = constant(&value);
    if condition.is_none() {
        let quoted = syn::parse2::<LitStr>(value.clone()).ok();
        let help = match quoted.filter(|text| Path::parse_mod_style.parse_str(&text.value()).is_ok()) {
            Some(text) => format!("write `if = {}`, without the quotes", text.value()),
            None => format!("write `{}`, the path of a `fn(&Transaction) -> bool`", option.example),
        };
        errors.on(value, format!("`{}` must be a function of the payment", option.name), help);
    }
    condition
}

/// The ids that a receiver was known by before: one, or several in brackets.
pub(crate) fn former_ids(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Vec<Id>> {
    let Some(Expr::Array(ExprArray { elems, .. })) = constant(&value) else {
        return id(option, value, errors).map(|id| vec![id]);
    };
    if elems.is_empty() {
        let help = format!("write `{}`, or leave it out", option.example);
        errors.on(value, format!("`{}` names no id", option.name), help);
        return None;
    }
    // All of them are looked at before one is missing.
    let ids: Vec<_> = elems.iter().map(|one| id(option, one.to_token_stream(), errors)).collect();
    ids.into_iter().collect()
}

/// How long the first pause between two attempts may be: a text, or a constant of type `Duration`.
pub(crate) fn backoff(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Time> {
    time(option, value, "5 s", errors)
}

/// How long each attempt may take: a text, or a constant of type `Duration`.
pub(crate) fn timeout(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Time> {
    time(option, value, "30 s", errors)
}

fn time(option: &OptionWord, value: TokenStream, default: &str, errors: &mut Errors) -> Option<Time> {
    match constant(&value) {
        Some(expression) => Some(Time::Const(expression)),
        None => millis(option, value, default, errors).map(Time::Millis),
    }
}

fn millis(option: &OptionWord, value: TokenStream, default: &str, errors: &mut Errors) -> Option<u64> {
    let (name, example) = (option.name, option.example);
    let Ok(text) = syn::parse2::<LitStr>(value.clone()) else {
        let meant = whole_number(&value, "").map_or_else(|| example.to_owned(), |number| with_unit(name, &number, "s"));
        errors.on(value, format!("`{name}` must be a string"), format!("write `{meant}`: {TIME}"));
        return None;
    };
    let written = text.value();
    let (number, unit) = written.split_at(written.find(|c: char| !c.is_ascii_digit()).unwrap_or(written.len()));
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => 0,
    };
    if number.is_empty() || millis == 0 {
        let meant = match unit_meant(unit) {
            Some(unit) if !number.is_empty() => with_unit(name, number, unit),
            _ => example.to_owned(),
        };
        errors.on(&text, format!("`{name}` must be {TIME}"), format!("write `{meant}`"));
        return None;
    }
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis)) {
        Some(0) => {
            let help = format!("give it time, as in `{example}`; without `{name}` it has {default}");
            errors.on(&text, format!("`{name}` is zero"), help);
            None
        }
        Some(millis) => Some(millis),
        None => {
            errors.on(&text, format!("`{name}` is too long"), format!("write a shorter one, as in `{example}`"));
            None
        }
    }
}

/// Where athm is.
pub(crate) fn crate_path(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<Path> {
    let path = Path::parse_mod_style.parse2(value.clone()).ok();
    if path.is_none() {
        let quoted = syn::parse2::<LitStr>(value.clone()).ok();
        let help = match quoted.filter(|text| Path::parse_mod_style.parse_str(&text.value()).is_ok()) {
            Some(text) => format!("write `crate = {}`, without the quotes", text.value()),
            None => format!("write where athm is re-exported, as in `{}`", option.example),
        };
        errors.on(value, format!("`{}` must be a path", option.name), help);
    }
    path
}

/// The expression, if a value is one that only the compiler can evaluate: no literal, and no number with a sign.
fn constant(value: &TokenStream) -> Option<Expr> {
    let mut expression = syn::parse2::<Expr>(value.clone()).ok()?;
    // What `macro_rules!` captured stands in a group that isn't seen.
    while let Expr::Group(group) = expression {
        expression = *group.expr;
    }
    let is_number = |expression: &Expr| matches!(expression, Expr::Lit(literal) if !matches!(literal.lit, Lit::Str(_)));
    match &expression {
        Expr::Lit(_) => None,
        Expr::Unary(negated) if matches!(negated.op, UnOp::Neg(_)) && is_number(&negated.expr) => None,
        _ => Some(expression),
    }
}

/// The digits of a whole number with their sign, of whatever size.
fn whole_number(value: &TokenStream, suffix: &str) -> Option<String> {
    let text = value.to_string().replace(' ', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let number = syn::parse_str::<LitInt>(digits).ok()?;
    let is_plain = number.suffix().is_empty() || number.suffix() == suffix;
    is_plain.then(|| format!("{sign}{}", number.base10_digits()))
}

fn with_unit(name: &str, number: &str, unit: &str) -> String {
    format!("{name} = \"{number}{unit}\"")
}

/// The unit that was probably meant by another one.
fn unit_meant(written: &str) -> Option<&'static str> {
    match written.trim().to_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => Some("ms"),
        "" | "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
        "m" | "min" | "mins" | "minute" | "minutes" => Some("m"),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some("h"),
        _ => None,
    }
}
