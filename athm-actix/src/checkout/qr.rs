//! Addresses as QR codes.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};
use qrcode::types::Color;
use qrcode::{EcLevel, QrCode};

/// The blank modules that readers need around a code.
const MARGIN: usize = 4;

/// An address as a QR code, for a counter or a printed bill: an SVG image of black on white, without a size of its own.
///
/// ```
/// let svg = athm_actix::checkouts::qr_code("https://shop.example/athm/checkout/0f1e2d3c4b5a69788796a5b4c3d2e1f0");
/// assert!(svg.unwrap().starts_with("<svg"));
/// ```
///
/// `None` for an address of more than 2,331 bytes: no code holds it.
#[must_use]
pub fn qr_code(url: &str) -> Option<String> {
    svg(url).map(Markup::into_string)
}

pub(super) fn svg(url: &str) -> Option<Markup> {
    let code = QrCode::with_error_correction_level(url, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (index, _) in code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark) {
        let _ = write!(path, "M{} {}h1v1h-1z", index % width + MARGIN, index / width + MARGIN);
    }
    let side = width + 2 * MARGIN;
    Some(html! {
        svg viewBox={ "0 0 " (side) " " (side) } role="img" aria-label="QR" shape-rendering="crispEdges"
            xmlns="http://www.w3.org/2000/svg" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(PreEscaped(&path)) fill="#000" {}
        }
    })
}

#[test]
fn a_code_is_square_and_has_a_blank_margin() {
    let svg = qr_code("https://shop.example/athm/checkout/0f1e2d3c4b5a69788796a5b4c3d2e1f0").unwrap();
    // Version 5: 37 modules and twice the margin.
    assert!(svg.contains("viewBox=\"0 0 45 45\"") && svg.contains("M4 4h1"), "{svg}");
    assert!(qr_code(&"x".repeat(3000)).is_none());
}
