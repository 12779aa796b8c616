//! What stands behind an option's `=`.

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::{LitInt, LitStr, Path};

use crate::errors::Errors;
use crate::words::OptionWord;

/// How often a delivery can be tried.
const ATTEMPTS: std::ops::RangeInclusive<u32> = 1..=100;

/// What a timeout is.
const TIME: &str = "a whole number and a unit, which is `ms`, `s`, `m` or `h`";

/// Where a name may have blanks.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Blanks {
    Nowhere,
    Within,
}

/// The name that somebody goes by.
pub(crate) fn label(option: &OptionWord, value: TokenStream, blanks: Blanks, errors: &mut Errors) -> Option<LitStr> {
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
pub(crate) fn order(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<i32> {
    let name = option.name;
    let Some(number) = whole_number(&value, "i32") else {
        let help = format!("write `{}`; lower ones run first, and the default is 0", option.example);
        errors.on(value, format!("`{name}` must be a whole number"), help);
        return None;
    };
    let order = number.parse().ok();
    if order.is_none() {
        let help = format!("write one from {} to {}; lower ones run first", i32::MIN, i32::MAX);
        errors.on(value, format!("`{name}` is too large a number"), help);
    }
    order
}

/// How often a delivery is tried in all.
pub(crate) fn attempts(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<u32> {
    let name = option.name;
    let help = format!("write `{}`: how often it is tried in all, which is 10 times unless given", option.example);
    let Some(number) = whole_number(&value, "u32") else {
        errors.on(value, format!("`{name}` must be a whole number"), help);
        return None;
    };
    let attempts = number.parse().ok().filter(|attempts| ATTEMPTS.contains(attempts));
    if attempts.is_none() {
        let (least, most) = (ATTEMPTS.start(), ATTEMPTS.end());
        errors.on(value, format!("`{name}` must be a number from {least} to {most}"), help);
    }
    attempts
}

/// How long each attempt may take, in milliseconds.
pub(crate) fn timeout(option: &OptionWord, value: TokenStream, errors: &mut Errors) -> Option<u64> {
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
            let help = format!("give it time, as in `{example}`; without `{name}` it has 30 s");
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

/// The unit that somebody meant who wrote another one.
fn unit_meant(written: &str) -> Option<&'static str> {
    match written.trim().to_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => Some("ms"),
        "" | "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
        "m" | "min" | "mins" | "minute" | "minutes" => Some("m"),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some("h"),
        _ => None,
    }
}
