#![no_main]

#[expect(dead_code, reason = "a target uses one of them")]
#[path = "../../tests/fuzz/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::telephone::carriers(data));
