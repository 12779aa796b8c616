//! How the user's crate names athm.

use proc_macro_crate::{Error, FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;

use crate::errors::{Errors, attribute_span};

/// The crate that re-exports the attribute under which the user wrote it: that one is there for sure, while the other may
/// be a dependency of tests alone, switched off, or one of another platform.
#[derive(Clone, Copy)]
pub(crate) enum Exporter {
    Core,
    Actix,
}

impl Exporter {
    /// athm's crates, this one first. The other one is named by a crate that has this one from a third, such as a framework.
    fn crates(self) -> [&'static str; 2] {
        match self {
            Self::Core => ["athm-core", "athm-actix"],
            Self::Actix => ["athm-actix", "athm-core"],
        }
    }
}

/// The path of athm: the one given as `crate = …`, or the dependency in Cargo.toml, also a renamed one.
pub(crate) fn find(given: Option<Path>, exporter: Exporter, user: Span, errors: &mut Errors) -> TokenStream {
    match given {
        Some(path) => path.into_token_stream(),
        None => dependency(exporter, crate_name, user, errors),
    }
}

fn dependency(
    exporter: Exporter,
    look_up: impl Fn(&str) -> Result<FoundCrate, Error>,
    user: Span,
    errors: &mut Errors,
) -> TokenStream {
    let usual = |name: &str| name.replace('-', "_");
    for name in exporter.crates() {
        let name = match look_up(name) {
            // Each of them says `extern crate self as …`, for its own tests and examples.
            Ok(FoundCrate::Itself) => usual(name),
            Ok(FoundCrate::Name(name)) => name,
            Err(Error::CrateNotFound { .. }) => continue,
            // Built without Cargo: there is no Cargo.toml that could rename it.
            Err(_) => usual(name),
        };
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
        assert_eq!(path(Exporter::Actix, &[("athm-actix", FoundCrate::Name("athm_actix".into()))]), ":: athm_actix");
        assert_eq!(path(Exporter::Core, &[("athm-core", FoundCrate::Name("money".into()))]), ":: money");
        assert_eq!(path(Exporter::Actix, &[("athm-actix", FoundCrate::Itself)]), ":: athm_actix");
    }

    #[test]
    fn the_crate_that_the_attribute_came_from_is_named_first() {
        let both = [("athm-actix", FoundCrate::Name("web".into())), ("athm-core", FoundCrate::Name("money".into()))];
        assert_eq!(path(Exporter::Core, &both), ":: money");
        assert_eq!(path(Exporter::Actix, &both), ":: web");
    }

    #[test]
    fn the_other_crate_is_named_where_the_first_is_no_dependency() {
        assert_eq!(path(Exporter::Core, &[("athm-actix", FoundCrate::Name("web".into()))]), ":: web");
        assert_eq!(path(Exporter::Actix, &[("athm-core", FoundCrate::Name("money".into()))]), ":: money");
    }

    #[test]
    fn without_cargo_the_usual_name_is_taken() {
        for (exporter, expected) in [(Exporter::Core, ":: athm_core"), (Exporter::Actix, ":: athm_actix")] {
            let mut errors = Errors::default();
            let path = dependency(exporter, |_| Err(Error::CargoManifestDirNotSet), Span::call_site(), &mut errors);
            assert_eq!(path.to_string(), expected);
            assert!(errors.is_empty());
        }
    }

    #[test]
    fn a_missing_dependency_is_explained() {
        let mut errors = Errors::default();
        dependency(Exporter::Core, not_found, Span::call_site(), &mut errors);
        let explained = errors.into_compile_errors().expect("it is a mistake").to_string();
        assert!(explained.contains("depends neither on `athm-actix` nor on `athm-core`"), "{explained}");
        assert!(explained.contains("[dependencies]") && explained.contains("crate = "), "{explained}");
    }

    fn path(exporter: Exporter, dependencies: &[(&str, FoundCrate)]) -> String {
        let look_up = |name: &str| {
            let found = dependencies.iter().find(|(dependency, _)| *dependency == name);
            found.map_or_else(|| not_found(name), |(_, found)| Ok(found.clone()))
        };
        let mut errors = Errors::default();
        let path = dependency(exporter, look_up, Span::call_site(), &mut errors);
        assert!(errors.is_empty());
        path.to_string()
    }

    fn not_found(name: &str) -> Result<FoundCrate, Error> {
        Err(Error::CrateNotFound { crate_name: name.to_owned(), path: "Cargo.toml".into() })
    }
}
