//! Log lines and error texts that the guide quotes are the code's own.
//!
//! A quoted log line is the first cell of a table's row whose other cells say "ERROR in the log" or "WARN in the log". A
//! quoted error text is a line of a block fenced as `text,error`.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};

use crate::sources::{guide, sources};

#[test]
fn quoted_log_lines_are_logged_at_that_level() {
    let logged = logged();
    let mut quoted = 0;
    for (page, text) in guide() {
        for row in text.lines().filter(|line| line.starts_with('|') && line.contains(" in the log")) {
            let level = if row.contains("ERROR in the log") { "error" } else { "warn" };
            let quote = code(row).unwrap_or_else(|| panic!("{page}: no quote in {row}"));
            let is_logged = logged[level].iter().any(|line| line.starts_with(&quote));
            assert!(is_logged, "{page}: {quote:?} isn't logged at the level {level}");
            quoted += 1;
        }
    }
    assert!(quoted >= 8, "only {quoted} quoted log lines were found");
}

#[test]
fn quoted_error_texts_are_those_of_the_errors() {
    let formats = error_formats();
    let mut quoted = 0;
    for (page, text) in guide() {
        for block in text.split("```text,error\n").skip(1) {
            for line in block.split("```").next().unwrap_or_default().lines() {
                assert!(formats.iter().any(|format| is_filled_in(format, line)), "{page}: no error says {line:?}");
                quoted += 1;
            }
        }
    }
    assert!(quoted >= 2, "only {quoted} quoted lines of errors were found");
}

/// The text between the first backticks, single or double.
fn code(row: &str) -> Option<String> {
    let start = row.find('`')?;
    let fence = if row[start..].starts_with("``") { "``" } else { "`" };
    let rest = &row[start + fence.len()..];
    Some(rest[..rest.find(fence)?].trim().to_owned())
}

/// Whether the line ends with the format's literal parts, in order.
fn is_filled_in(format: &str, line: &str) -> bool {
    let parts = format.split(['{', '}']).step_by(2).flat_map(str::lines).map(str::trim);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let literal: usize = parts.iter().map(|part| part.len()).sum();
    let mut rest = line;
    literal >= 10
        && parts.iter().all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
}

/// The messages of the code's log lines, by level.
fn logged() -> BTreeMap<&'static str, Vec<String>> {
    struct Macros(BTreeMap<&'static str, Vec<String>>);
    impl<'a> Visit<'a> for Macros {
        fn visit_macro(&mut self, called: &'a syn::Macro) {
            let name = called.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            for level in ["error", "warn"].into_iter().filter(|level| *level == name) {
                let literals = called.tokens.clone().into_iter().filter_map(|token| syn::parse2(token.into()).ok());
                self.0.entry(level).or_default().extend(literals.map(|literal: syn::LitStr| literal.value()));
            }
            visit::visit_macro(self, called);
        }

        /// Background tasks log an error by this method.
        fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
            if call.method == "log_failed_run" {
                let literals = call.args.iter().filter_map(|argument| match argument {
                    syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
                    _ => None,
                });
                self.0.entry("error").or_default().extend(literals);
            }
            visit::visit_expr_method_call(self, call);
        }
    }
    let mut macros = Macros(BTreeMap::new());
    sources().iter().for_each(|(_, file)| macros.visit_file(file));
    macros.0
}

/// The texts of `#[error("…")]`.
fn error_formats() -> Vec<String> {
    struct Attributes(Vec<String>);
    impl<'a> Visit<'a> for Attributes {
        fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
            if let (true, syn::Meta::List(list)) = (attribute.path().is_ident("error"), &attribute.meta) {
                let first = list.tokens.clone().into_iter().next();
                self.0.extend(
                    first.and_then(|token| syn::parse2::<syn::LitStr>(token.into()).ok()).map(|text| text.value()),
                );
            }
        }
    }
    let mut attributes = Attributes(Vec::new());
    sources().iter().for_each(|(_, file)| attributes.visit_file(file));
    attributes.0
}
