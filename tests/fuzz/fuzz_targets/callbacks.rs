//! No posted body makes the parser panic: as JSON, as a form, without a content type, as a webhook.

#![no_main]

use athm_core::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for content_type in ["application/json", "application/x-www-form-urlencoded; charset=UTF-8", "", "text/plain"] {
        if let Err(error) = Message::parse(content_type, body) {
            assert!(!error.to_string().is_empty());
        }
    }
});
