//! What stands in the attribute's parentheses.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::{Expr, Lit, Path};

use crate::errors::{Errors, attribute_span};
use crate::values::{self, Id, Number, Sender, Time};
use crate::words::{self, OptionWord, SignalWord};

/// The arguments of one `#[receiver(…)]`.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) signals: Vec<&'static SignalWord>,
    pub(crate) id: Option<Id>,
    pub(crate) order: Option<Number<i32>>,
    pub(crate) senders: Option<Vec<Sender>>,
    pub(crate) attempts: Option<Number<u32>>,
    pub(crate) backoff: Option<Time>,
    pub(crate) timeout: Option<Time>,
    pub(crate) concurrency: Option<Number<u32>>,
    pub(crate) condition: Option<Expr>,
    pub(crate) was: Option<Vec<Id>>,
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

    /// Whether an `id` is written that can't be one.
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
            } else if let Some(signals) = signals_alone(&value) {
                self.misspelt_signal = true;
                let help = format!("write `{signals}`, without `{written} =`");
                errors.on(name, "signals are bare words, without an option's name", help);
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
            words::ID => self.id = values::id(option, value, errors),
            words::ORDER => self.order = values::order(option, value, errors),
            words::SENDER => self.senders = values::senders(option, value, errors),
            words::ATTEMPTS => self.attempts = values::attempts(option, value, errors),
            words::BACKOFF => self.backoff = values::backoff(option, value, errors),
            words::CONCURRENCY => self.concurrency = values::concurrency(option, value, errors),
            words::IF => self.condition = values::condition(option, value, errors),
            words::WAS => self.was = values::former_ids(option, value, errors),
            words::TIMEOUT => self.timeout = values::timeout(option, value, errors),
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
            Some(TokenTree::Ident(first)) => words::option(&first.to_string()),
            _ => None,
        };
        self.misspelt_signal |= first.is_none();
        let help = match (first, signals_alone(&tokens)) {
            (Some(option), _) => format!("write `{}`", option.example),
            (None, Some(signals)) => format!("write `{signals}`"),
            (None, None) if tokens.to_string() == "*" => {
                "write `received`: it fires for every outcome of a payment, once".to_owned()
            }
            (None, None) => "put commas between, as in `#[receiver(completed, expired, order = 10)]`".to_owned(),
        };
        errors.on(tokens, "expected a signal or an option", help);
    }
}

/// The signals in tokens that name signals and no other word, as they are to be written: those of `[completed, expired]`,
/// `completed()`, `Signal::Completed` and `"completed"`.
fn signals_alone(tokens: &TokenStream) -> Option<String> {
    let mut signals = Vec::new();
    collect_signals(tokens.clone(), &mut signals).then_some(())?;
    (!signals.is_empty()).then(|| signals.join(", "))
}

fn collect_signals(tokens: TokenStream, signals: &mut Vec<&'static str>) -> bool {
    tokens.into_iter().all(|token| match token {
        TokenTree::Ident(word) if word == "Signal" || word == "signals" => true,
        TokenTree::Ident(word) => push_signal(&word.to_string().to_lowercase(), signals),
        TokenTree::Literal(literal) => match Lit::new(literal) {
            Lit::Str(text) => push_signal(&text.value(), signals),
            _ => false,
        },
        TokenTree::Group(group) => collect_signals(group.stream(), signals),
        TokenTree::Punct(_) => true,
    })
}

fn push_signal(word: &str, signals: &mut Vec<&'static str>) -> bool {
    let signal = words::signal(word);
    signals.extend(signal.map(|signal| signal.name).filter(|name| !signals.contains(name)));
    signal.is_some()
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
