#![no_main]

#[path = "../../tests/fuzz/lent.rs"]
mod lent;

libfuzzer_sys::fuzz_target!(|data: &[u8]| lent::lent(data));
