//! How the user's crate names athm.

use proc_macro_crate::{Error, FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;

use crate::errors::{Errors, attribute_span};

/// athm's crates. Who has both may well have the second one for tests alone, so the first one is taken.
const CRATES: [&str; 2] = ["athm-core", "athm-actix"];

/// The path of athm: the one given as `crate = …`, or the dependency in Cargo.toml, also a renamed one.
pub(crate) fn find(given: Option<Path>, user: Span, errors: &mut Errors) -> TokenStream {
    match given {
        Some(path) => path.into_token_stream(),
        None => dependency(crate_name, user, errors),
    }
}

fn dependency(look_up: impl Fn(&str) -> Result<FoundCrate, Error>, user: Span, errors: &mut Errors) -> TokenStream {
    let found = CRATES.iter().find_map(|name| match look_up(name) {
        // Each of them says `extern crate self as …`, for its own tests and examples.
        Ok(FoundCrate::Itself) => Some(name.replace('-', "_")),
        Ok(FoundCrate::Name(name)) => Some(name),
        Err(_) => None,
    });
    if let Some(name) = found {
        let name = Ident::new(&name, Span::call_site());
        return quote!(::#name);
    }
    let wrong = "this crate depends neither on `athm-actix` nor on `athm-core`";
    let help = "add `athm-actix` to the [dependencies] of Cargo.toml\n\
        or say where it is re-exported, as in `#[receiver(completed, crate = my_framework::athm)]`";
    errors.at(attribute_span(user), wrong, help);
    TokenStream::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dependency_is_named_as_in_cargo_toml() {
        assert_eq!(path(&[("athm-actix", FoundCrate::Name("athm_actix".into()))]), ":: athm_actix");
        assert_eq!(path(&[("athm-core", FoundCrate::Name("money".into()))]), ":: money");
        assert_eq!(path(&[("athm-actix", FoundCrate::Itself)]), ":: athm_actix");
    }

    #[test]
    fn who_has_both_uses_the_core() {
        let both = [("athm-actix", FoundCrate::Name("web".into())), ("athm-core", FoundCrate::Name("money".into()))];
        assert_eq!(path(&both), ":: money");
    }

    #[test]
    fn a_missing_dependency_is_explained() {
        let mut errors = Errors::default();
        dependency(|_| Err(Error::CargoManifestDirNotSet), Span::call_site(), &mut errors);
        let explained = errors.into_compile_errors().expect("it is a mistake").to_string();
        assert!(explained.contains("depends neither on `athm-actix` nor on `athm-core`"), "{explained}");
        assert!(explained.contains("[dependencies]") && explained.contains("crate = "), "{explained}");
    }

    fn path(dependencies: &[(&str, FoundCrate)]) -> String {
        let look_up = |name: &str| {
            let found = dependencies.iter().find(|(dependency, _)| *dependency == name);
            found.map(|(_, found)| found.clone()).ok_or(Error::CargoManifestDirNotSet)
        };
        let mut errors = Errors::default();
        let path = dependency(look_up, Span::call_site(), &mut errors);
        assert!(errors.is_empty());
        path.to_string()
    }
}
