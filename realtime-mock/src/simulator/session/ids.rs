/// Generator of ids in the service's format: a prefix and 21 letters and digits, or 16 for a function call.
///
/// Ids are unique across the sessions of a simulator, and the same seed gives the same ids.
pub(in crate::simulator) struct Ids {
    seed: u64,
    next: u64,
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Ids {
    /// Creates the generator of the session with this number.
    pub(in crate::simulator) fn new(seed: u64, session: u64) -> Self {
        Self { seed: mix(seed) ^ (session << 32), next: 0 }
    }

    pub(in crate::simulator) fn make(&mut self, prefix: &str) -> String {
        let first = self.draw();
        let mut id = String::with_capacity(prefix.len() + 22);
        id.push_str(prefix);
        id.push('_');
        // Eleven digits distinguish all 64-bit numbers. The rest is padding.
        write(&mut id, first, 11);
        write(&mut id, mix(first), if prefix == "call" { 5 } else { 10 });
        id
    }

    /// Padding that hides the length of a delta, as added by the service.
    pub(in crate::simulator) fn padding(&mut self) -> String {
        let drawn = self.draw();
        let mut padding = String::new();
        write(&mut padding, drawn / 16, 1 + (drawn % 16) as usize);
        padding
    }

    fn draw(&mut self) -> u64 {
        self.next += 1;
        mix(self.seed ^ self.next)
    }
}

fn write(text: &mut String, mut number: u64, digits: usize) {
    for _ in 0..digits {
        text.push(char::from(DIGITS[(number % 62) as usize]));
        number /= 62;
    }
}

/// The output function of SplitMix64, which is a bijection.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_the_same_each_time() {
        let make = || {
            (0..20).flat_map(|session| {
                let mut ids = Ids::new(7, session);
                (0..500).map(move |_| ids.make("item"))
            })
        };
        assert_eq!(make().collect::<HashSet<_>>().len(), 10_000);
        assert!(make().eq(make()));
        assert!(make().all(|id| id.len() == 26));
        assert_eq!(Ids::new(0, 0).make("call").len(), 21);
        assert!(!make().eq((0..20).flat_map(|session| {
            let mut ids = Ids::new(8, session);
            (0..500).map(move |_| ids.make("item"))
        })));
    }
}
