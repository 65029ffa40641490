//! Selection of the proxy for a server.

mod except;
mod tunnel;

use std::{env, error::Error, fmt, str::FromStr};

use http::Uri;
use percent_encoding::percent_decode_str;
use realtime_core::{
    Secret,
    transport::{TransportError, TransportErrorKind},
};

use self::except::Except;
pub(crate) use self::tunnel::through;

/// A proxy: `http://user:password@host:port`, `https://` if the proxy itself is reached over TLS, or `socks5://`.
///
/// HTTP proxies receive a `CONNECT` request. Both HTTP and SOCKS proxies receive the server's name and resolve it
/// themselves (`socks5h` is a synonym of `socks5`). TLS with the server runs inside the tunnel. User name and password
/// are percent-encoded in the URL and never appear in output.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    kind: ProxyKind,
    host: String,
    port: u16,
    credentials: Option<(String, Secret)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProxyKind {
    Http,
    Https,
    Socks5,
}

impl Proxy {
    /// Parses the URL of a proxy. The default scheme is `http`; the default port is 80, 443 or, for SOCKS, 1080.
    ///
    /// # Errors
    /// The URL is invalid. The error says why, without repeating the URL.
    pub fn new(url: &str) -> Result<Self, TransportError> {
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = url.parse().map_err(|_| refused("the proxy's URL is no URL"))?;
        let (kind, port) = match uri.scheme_str() {
            Some("http") => (ProxyKind::Http, 80),
            Some("https") => (ProxyKind::Https, 443),
            Some("socks5" | "socks5h") => (ProxyKind::Socks5, 1080),
            _ => return Err(refused("the proxy's URL has a scheme other than http, https and socks5")),
        };
        let authority = uri.authority().ok_or_else(|| refused("the proxy's URL has no host"))?;
        let proxy = Self {
            kind,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(port),
            credentials: None,
        };
        match authority.as_str().rsplit_once('@') {
            None => Ok(proxy),
            Some((user, _)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                let plain = |text| percent_decode_str(text).decode_utf8().map(String::from);
                let (Ok(user), Ok(password)) = (plain(user), plain(password)) else {
                    return Err(refused("the user in the proxy's URL is no text"));
                };
                Ok(proxy.credentials(user, password))
            }
        }
    }

    /// Sets the user name and password for the proxy.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    /// Adds the proxy's name to an error.
    pub(crate) fn named(&self, error: TransportError) -> TransportError {
        let mut text = format!("the proxy at {self}");
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        TransportError::new(error.kind(), text)
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether the proxy itself is reached over TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.kind == ProxyKind::Https
    }
}

impl FromStr for Proxy {
    type Err = TransportError;

    fn from_str(url: &str) -> Result<Self, TransportError> {
        Self::new(url)
    }
}

/// Prints host and port only.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Omits the credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("kind", &self.kind)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("credentials", &self.credentials.as_ref().map(|_| "***"))
            .finish()
    }
}

/// Selects the proxy for a server: [one](Self::from) for all, [none](Self::none), or, by default, as the
/// [environment](Self::env) says.
///
/// # Examples
/// ```
/// use realtime_websocket::{Proxies, Proxy};
///
/// let proxy = Proxy::new("http://proxy.example.com:3128")?.credentials("user", "password");
/// let proxies = Proxies::from(proxy).except("localhost,.internal.example.com");
/// assert!(!format!("{proxies:?}").contains("password"));
/// # Ok::<_, realtime_core::transport::TransportError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Proxies {
    plain: Way,
    secure: Way,
    except: Except,
}

#[derive(Clone, Debug)]
enum Way {
    Direct,
    Through(Proxy),
    /// This environment variable does not hold the URL of a proxy.
    Invalid(&'static str),
}

impl Proxies {
    /// Uses no proxy.
    pub fn none() -> Self {
        Self { plain: Way::Direct, secure: Way::Direct, except: Except::default() }
    }

    /// Reads the environment variables now, much as curl and Python do.
    ///
    /// For `wss`, the first of `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY` that is set is used; for `ws`,
    /// the first of `http_proxy`, `all_proxy` and `ALL_PROXY`. An empty value means no proxy. `HTTP_PROXY` is ignored,
    /// because in a CGI program its value comes from the client. `no_proxy`, or else `NO_PROXY`, is interpreted like
    /// [`except`](Self::except). The local machine (`localhost`, 127.0.0.0/8, `::1`) is never reached through a proxy
    /// of the environment.
    pub fn env() -> Self {
        Self::from_variables(|name| env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let way = |names: &[&'static str]| match names.iter().find_map(|name| Some((*name, variable(name)?))) {
            None => Way::Direct,
            Some((_, url)) if url.is_empty() => Way::Direct,
            Some((name, url)) => Proxy::new(&url).map_or(Way::Invalid(name), Way::Through),
        };
        let except = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
        Self {
            plain: way(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            secure: way(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            except: Except::new(&except).and_this_machine(),
        }
    }

    /// Excludes servers: a comma-separated list of host names, which include their subdomains, IP addresses, and ranges
    /// such as `10.0.0.0/8`, each optionally with a port, or `*` for all. Replaces an earlier list.
    #[must_use]
    pub fn except(mut self, servers: &str) -> Self {
        self.except = Except::new(servers);
        self
    }

    /// The proxy to use for a server, if any.
    pub(crate) fn on_the_way(&self, secure: bool, host: &str, port: u16) -> Result<Option<&Proxy>, TransportError> {
        match if secure { &self.secure } else { &self.plain } {
            Way::Direct => Ok(None),
            _ if self.except.holds(host, port) => Ok(None),
            Way::Through(proxy) => Ok(Some(proxy)),
            Way::Invalid(name) => Err(refused(format!("what {name} holds is no proxy's URL"))),
        }
    }
}

impl Default for Proxies {
    /// Returns [`env`](Self::env).
    fn default() -> Self {
        Self::env()
    }
}

impl From<Proxy> for Proxies {
    fn from(proxy: Proxy) -> Self {
        Self { plain: Way::Through(proxy.clone()), secure: Way::Through(proxy), except: Except::default() }
    }
}

fn refused(why: impl Into<String>) -> TransportError {
    TransportError::new(TransportErrorKind::Proxy, why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| String::from(*value))
        })
    }

    fn way(proxies: &Proxies, secure: bool, host: &str) -> Option<String> {
        let proxy = proxies.on_the_way(secure, host, if secure { 443 } else { 80 }).unwrap();
        proxy.map(|proxy| format!("{:?} {}:{}", proxy.kind, proxy.host, proxy.port))
    }

    #[test]
    fn a_url_is_read() {
        let proxy = Proxy::new("http://us%40er:p%3Ass@[::1]:8080").unwrap();
        assert_eq!((proxy.kind, proxy.host(), proxy.port()), (ProxyKind::Http, "::1", 8080));
        assert_eq!(proxy.credentials, Some(("us@er".into(), "p:ss".into())));
        for (url, kind, port) in [
            ("proxy.example", ProxyKind::Http, 80),
            ("proxy.example:3128", ProxyKind::Http, 3128),
            ("https://proxy.example", ProxyKind::Https, 443),
            ("socks5://proxy.example", ProxyKind::Socks5, 1080),
            ("socks5h://proxy.example:9050/", ProxyKind::Socks5, 9050),
        ] {
            let proxy: Proxy = url.parse().unwrap();
            assert_eq!((proxy.kind, proxy.host(), proxy.port()), (kind, "proxy.example", port), "{url}");
        }
    }

    #[test]
    fn a_wrong_url_is_refused_without_being_shown() {
        for url in
            ["socks4://secret@h", "http://secret@", "http://sec ret@h", "ftp://secret@h", "http://%ff:secret@h", ""]
        {
            let error = Proxy::new(url).unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::Proxy, "{url}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
        assert!(!format!("{:?}", Proxy::new("http://secret:secret@h").unwrap()).contains("secret"));
    }

    #[test]
    fn the_environment_is_read_as_curl_does() {
        let none = environment(&[("HTTP_PROXY", "up:1")]);
        assert_eq!((way(&none, false, "h"), way(&none, true, "h")), (None, None));
        let all = environment(&[("ALL_PROXY", "socks5://up"), ("http_proxy", "low:1")]);
        assert_eq!(way(&all, false, "h").unwrap(), "Http low:1");
        assert_eq!(way(&all, true, "h").unwrap(), "Socks5 up:1080");
        let lower = environment(&[("HTTPS_PROXY", "up:1"), ("https_proxy", "low:1"), ("all_proxy", "all:1")]);
        assert_eq!(way(&lower, true, "h").unwrap(), "Http low:1");
        let empty = environment(&[("https_proxy", ""), ("HTTPS_PROXY", "up:1"), ("ALL_PROXY", "all:1")]);
        assert_eq!(way(&empty, true, "h"), None);
    }

    #[test]
    fn servers_are_left_out() {
        let proxies = environment(&[("ALL_PROXY", "p:1"), ("NO_PROXY", "example.com, 10.0.0.0/8"), ("no_proxy", "")]);
        assert!(way(&proxies, true, "example.com").is_some(), "the lower case goes first");
        let proxies = environment(&[("ALL_PROXY", "p:1"), ("NO_PROXY", "example.com, 10.0.0.0/8")]);
        assert_eq!((way(&proxies, true, "a.example.com"), way(&proxies, false, "10.1.2.3")), (None, None));
        assert_eq!((way(&proxies, true, "localhost"), way(&proxies, true, "::1")), (None, None));
        assert!(way(&proxies, true, "example.org").is_some());
        // A proxy chosen by the application also applies to the local machine.
        let proxies = Proxies::from(Proxy::new("p:1").unwrap());
        assert!(way(&proxies, true, "localhost").is_some());
        assert_eq!(way(&proxies.except("localhost"), true, "localhost"), None);
    }

    #[test]
    fn a_wrong_variable_is_named_and_not_shown() {
        let proxies = environment(&[("HTTPS_PROXY", "socks4://secret@h")]);
        let error = proxies.on_the_way(true, "h", 443).unwrap_err();
        assert!(format!("{error:?}").contains("HTTPS_PROXY"));
        assert!(!format!("{error:?} {proxies:?}").contains("secret"));
        assert!(!error.is_retryable());
    }
}
