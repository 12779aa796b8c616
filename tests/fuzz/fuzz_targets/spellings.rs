//! Whatever can be read as a message reads the same in every spelling of the provider's.

#![no_main]

use athm_core::Message;
use athm_fuzz::spellings;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let content_type = if body.starts_with(b"{") { "application/json" } else { "application/x-www-form-urlencoded" };
    let Ok(callback) = Message::parse(content_type, body) else { return };
    // A form needs a field.
    if callback == Message::default() {
        return;
    }
    for (name, content_type, body) in spellings(&callback) {
        match Message::parse(content_type, body.as_bytes()) {
            Ok(again) => assert!(again == callback, "{name}: {body}\n{again:?}\n{callback:?}"),
            Err(error) => panic!("{name}: {error}: {body}"),
        }
    }
});
