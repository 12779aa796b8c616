//! What stands in the attribute's parentheses.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::{Lit, LitStr, Path};

use crate::errors::{Errors, attribute_span};
use crate::values::{self, Blanks};
use crate::words::{self, OptionWord, SignalWord};

/// The arguments of one `#[receiver(…)]`.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) signals: Vec<&'static SignalWord>,
    pub(crate) id: Option<LitStr>,
    pub(crate) order: Option<i32>,
    pub(crate) sender: Option<LitStr>,
    pub(crate) attempts: Option<u32>,
    pub(crate) timeout_ms: Option<u64>,
    /// The word itself, where it is written.
    pub(crate) blocking: Option<Ident>,
    pub(crate) crate_path: Option<Path>,
    given: Vec<&'static str>,
    misspelt_signal: bool,
}

impl Arguments {
    /// Reads them one by one, so that no mistake hides another. `user` is any token of the user's.
    pub(crate) fn parse(tokens: TokenStream, user: Span, errors: &mut Errors) -> Self {
        let mut arguments = Self::default();
        for piece in pieces(tokens, errors) {
            arguments.take(&piece, errors);
        }
        if arguments.signals.is_empty() && !arguments.misspelt_signal {
            errors.at(attribute_span(user), "a receiver needs a signal", words::one_signal());
        }
        arguments
    }

    /// Whether an `id` is written that can't be one: nobody knows what was meant.
    pub(crate) fn has_wrong_id(&self) -> bool {
        self.id.is_none() && self.given.contains(&words::ID)
    }

    fn take(&mut self, piece: &[TokenTree], errors: &mut Errors) {
        match piece {
            [TokenTree::Ident(word)] => self.word(word, errors),
            [TokenTree::Ident(name), TokenTree::Punct(equals), value @ ..] if equals.as_char() == '=' => {
                self.option(name, value.iter().cloned().collect(), errors);
            }
            [TokenTree::Literal(literal)] => self.quoted(&Lit::new(literal.clone()), errors),
            [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                self.take(&inner, errors);
            }
            _ => self.unreadable(piece, errors),
        }
    }

    fn word(&mut self, word: &Ident, errors: &mut Errors) {
        let written = word.to_string();
        if let Some(signal) = words::signal(&written) {
            if self.signals.iter().any(|known| known.name == signal.name) {
                errors.on(word, format!("`{written}` is named twice"), "remove one: a receiver runs once for a signal");
            } else {
                self.signals.push(signal);
            }
        } else if let Some(option) = words::option(&written) {
            if !option.is_flag() {
                errors.on(word, format!("`{written}` needs a value"), format!("write `{}`", option.example));
            } else if self.give(word, option, errors) {
                self.blocking = Some(word.clone());
            }
        } else if words::is_like_a_flag(&written) {
            errors.on(word, format!("unknown option `{written}`"), words::help_with_option(&written));
        } else {
            self.misspelt_signal = true;
            errors.on(word, format!("unknown signal `{written}`"), words::help_with_signal(&written));
        }
    }

    fn quoted(&mut self, literal: &Lit, errors: &mut Errors) {
        self.misspelt_signal = true;
        match literal {
            Lit::Str(text) if words::signal(&text.value()).is_some() => {
                let name = text.value();
                errors.on(text, "a signal is a bare word, not a string", format!("write `{name}`, without the quotes"));
            }
            Lit::Str(text) => {
                errors.on(text, "a signal is a bare word, not a string", words::help_with_signal(&text.value()));
            }
            other => errors.on(other, "expected a signal or an option", words::one_signal()),
        }
    }

    fn option(&mut self, name: &Ident, value: TokenStream, errors: &mut Errors) {
        let written = name.to_string();
        let Some(option) = words::option(&written) else {
            if words::signal(&written).is_some() {
                self.misspelt_signal = true;
                errors.on(name, format!("the signal `{written}` takes no value"), format!("write `{written}`"));
            } else {
                errors.on(name, format!("unknown option `{written}`"), words::help_with_option(&written));
            }
            return;
        };
        if !self.give(name, option, errors) {
            return;
        }
        if option.is_flag() {
            let help = format!("write `{written}` alone, or leave it out");
            return errors.on(name, format!("`{written}` takes no value"), help);
        }
        if value.is_empty() {
            return errors.on(name, format!("`{written}` needs a value"), format!("write `{}`", option.example));
        }
        match option.name {
            words::ID => self.id = values::label(option, value, Blanks::Nowhere, errors),
            words::ORDER => self.order = values::order(option, value, errors),
            words::SENDER => self.sender = values::label(option, value, Blanks::Within, errors),
            words::ATTEMPTS => self.attempts = values::attempts(option, value, errors),
            words::TIMEOUT => self.timeout_ms = values::timeout(option, value, errors),
            _ => self.crate_path = values::crate_path(option, value, errors),
        }
    }

    /// Whether it is given for the first time.
    fn give(&mut self, name: &Ident, option: &OptionWord, errors: &mut Errors) -> bool {
        let is_first = !self.given.contains(&option.name);
        if is_first {
            self.given.push(option.name);
        } else {
            errors.on(name, format!("`{name}` is given twice"), "remove one");
        }
        is_first
    }

    fn unreadable(&mut self, piece: &[TokenTree], errors: &mut Errors) {
        let tokens: TokenStream = piece.iter().cloned().collect();
        let first = match piece.first() {
            Some(TokenTree::Ident(first)) => first.to_string(),
            _ => String::new(),
        };
        let last = match piece.last() {
            Some(TokenTree::Ident(last)) => last.to_string().to_lowercase(),
            _ => String::new(),
        };
        self.misspelt_signal |= words::option(&first).is_none();
        let help = if let Some(option) = words::option(&first) {
            format!("write `{}`", option.example)
        } else if Path::parse_mod_style.parse2(tokens.clone()).is_ok() && words::signal(&last).is_some() {
            format!("write `{last}`, without a path")
        } else {
            String::from("put commas between, as in `#[receiver(completed, expired, order = 10)]`")
        };
        errors.on(tokens, "expected a signal or an option", help);
    }
}

/// What stands between the commas.
fn pieces(tokens: TokenStream, errors: &mut Errors) -> Vec<Vec<TokenTree>> {
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    for token in tokens {
        match &token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => {
                if piece.is_empty() {
                    errors.on(comma, "a comma too many", "remove it");
                } else {
                    pieces.push(std::mem::take(&mut piece));
                }
            }
            _ => piece.push(token),
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}
