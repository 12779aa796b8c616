//! The style sheet and the script, which browsers keep for good: a change of theirs changes their addresses.

pub(super) const STYLE: &str = include_str!("assets/checkout.css");
pub(super) const SCRIPT: &str = include_str!("assets/checkout.js");

const STYLE_HASH: u64 = hash(STYLE);
const SCRIPT_HASH: u64 = hash(SCRIPT);

pub(super) fn style(path: &str) -> String {
    format!("{path}/checkout/style.css?v={STYLE_HASH:016x}")
}

pub(super) fn script(path: &str) -> String {
    format!("{path}/checkout/script.js?v={SCRIPT_HASH:016x}")
}

/// FNV-1a.
const fn hash(text: &str) -> u64 {
    let (bytes, mut hash, mut at) = (text.as_bytes(), 0xcbf2_9ce4_8422_2325, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

#[test]
fn the_script_has_six_kilobytes_at_most() {
    assert!(SCRIPT.len() <= 6 * 1024, "{} bytes", SCRIPT.len());
}
