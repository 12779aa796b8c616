//! The language that a customer's browser prefers.

use athm_core::checkouts::Language;

/// The language that a browser prefers, of those that there are: `es-PR,es;q=0.9,en;q=0.8`.
pub(super) fn preferred(accept: &str) -> Option<Language> {
    let weighed = accept.split(',').filter_map(|entry| {
        let (language, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
        // Thousandths: as whole numbers they compare.
        let weight = weight.trim().strip_prefix("q=")?.trim();
        let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
        let part: u32 = format!("{part:0<3}").get(..3)?.parse().ok()?;
        let weight = whole.parse::<u32>().ok()?.min(1) * 1000 + part;
        Some((language.trim().parse::<Language>().ok()?, weight))
    });
    let best = weighed.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.filter(|(_, weight)| *weight > 0).map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_what_the_browser_prefers_most() {
        for (accept, expected) in [
            ("es-PR,es;q=0.9,en;q=0.8", Some(Language::Spanish)),
            ("fr-FR, fr;q=0.9, en;q=0.5, es;q=0.7", Some(Language::Spanish)),
            ("en", Some(Language::English)),
            ("fr, es;q=0", None),
            ("de;q=x, *", None),
            ("", None),
        ] {
            assert_eq!(preferred(accept), expected, "{accept}");
        }
    }
}
