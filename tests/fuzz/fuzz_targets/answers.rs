//! Nothing that the provider answers makes the client panic. The first byte chooses the HTTP status.

#![no_main]

use athm_core::provider::read_as_every_answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((status, body)) = input.split_first() else { return };
    read_as_every_answer([200, 400, 401, 500][usize::from(status % 4)], body);
});
