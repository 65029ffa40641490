use std::net::IpAddr;

/// Servers that are reached without a proxy.
#[derive(Clone, Debug, Default)]
pub(super) struct Except {
    rules: Vec<Rule>,
    this_machine: bool,
}

#[derive(Clone, Debug)]
struct Rule {
    servers: Servers,
    port: Option<u16>,
}

#[derive(Clone, Debug)]
enum Servers {
    All,
    /// An IP address and the number of leading bits that must match.
    Range(IpAddr, u32),
    /// A name and all of its subdomains.
    Domain(String),
}

impl Except {
    pub(super) fn new(list: &str) -> Self {
        let words = list.split([',', ' ', '\t']).filter(|word| !word.is_empty());
        Self { rules: words.map(Rule::new).collect(), this_machine: false }
    }

    pub(super) fn and_this_machine(self) -> Self {
        Self { this_machine: true, ..self }
    }

    pub(super) fn holds(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let address: Option<IpAddr> = host.parse().ok();
        let is_this_machine = || match address {
            Some(address) => address.is_loopback(),
            None => is_below(host, "localhost"),
        };
        self.this_machine && is_this_machine()
            || self.rules.iter().any(|rule| {
                rule.port.is_none_or(|only| only == port)
                    && match (&rule.servers, address) {
                        (Servers::All, _) => true,
                        (Servers::Range(start, bits), Some(address)) => {
                            leading(*start, *bits) == leading(address, *bits)
                        }
                        (Servers::Domain(domain), None) => is_below(host, domain),
                        _ => false,
                    }
            })
    }
}

impl Rule {
    fn new(word: &str) -> Self {
        // A bare IPv6 address contains colons, but no port.
        let (servers, port) = match word.rsplit_once(':') {
            Some((servers, port)) if !servers.contains(':') || servers.ends_with(']') => {
                port.parse().map_or((word, None), |port| (servers, Some(port)))
            }
            _ => (word, None),
        };
        let (address, bits) =
            servers.split_once('/').map_or((servers, None), |(start, bits)| (start, bits.parse().ok()));
        let servers = match address.trim_matches(['[', ']']).parse() {
            _ if servers == "*" => Servers::All,
            Ok(address) => Servers::Range(address, bits.unwrap_or(u32::MAX)),
            Err(_) => Servers::Domain(servers.trim_start_matches('*').trim_matches('.').to_owned()),
        };
        Self { servers, port }
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    let (below, end) = host.as_bytes().split_at(start);
    end.eq_ignore_ascii_case(domain.as_bytes()) && (below.is_empty() || below.ends_with(b"."))
}

/// The leading bits of an address, and whether it is IPv6.
fn leading(address: IpAddr, bits: u32) -> (bool, u128) {
    match address.to_canonical() {
        IpAddr::V4(address) => (true, u128::from(address.to_bits() & !u32::MAX.checked_shr(bits).unwrap_or(0))),
        IpAddr::V6(address) => (false, address.to_bits() & !u128::MAX.checked_shr(bits).unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        for (list, inside, outside) in [
            (
                "example.com",
                &["example.com", "a.b.EXAMPLE.com", "example.com."][..],
                &["anexample.com", "example.org", "com"][..],
            ),
            (".example.com,*.test", &["example.com", "a.test"], &["tested"]),
            ("10.0.0.0/8 192.168.1.1", &["10.255.0.1", "192.168.1.1"], &["11.0.0.1", "192.168.1.2", "x10.0.0.1"]),
            ("fd00::/8,::1", &["fd12::1", "::1"], &["fe80::1", "::2"]),
            ("0.0.0.0/0", &["1.2.3.4"], &["::1", "example.com"]),
            ("*", &["example.com", "::1"], &[]),
            ("", &[], &["example.com", "localhost"]),
            ("a.example:8443,[fd00::1]:8443", &[], &["a.example", "fd00::1"]),
            ("a.example:443,[fd00::1]:443,10.0.0.0/8:443", &["a.example", "fd00::1", "10.1.1.1"], &["fd00::2"]),
            ("10.0.0.0/nonsense", &["10.0.0.0"], &["10.0.0.1"]),
        ] {
            let except = Except::new(list);
            for host in inside {
                assert!(except.holds(host, 443), "{host} is in [{list}]");
            }
            for host in outside {
                assert!(!except.holds(host, 443), "{host} is not in [{list}]");
            }
        }
    }

    #[test]
    fn this_machine_has_many_names() {
        let except = Except::default().and_this_machine();
        for host in ["localhost", "a.LOCALHOST", "127.0.0.1", "127.8.8.8", "::1"] {
            assert!(except.holds(host, 80), "{host}");
        }
        assert!(!except.holds("notlocalhost", 80) && !except.holds("10.0.0.1", 80));
    }
}
