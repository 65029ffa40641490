//! What the transports take from the environment.
//!
//! A process cannot change its own environment without harm, so this program runs itself: with a URL in its
//! environment it connects there on every runtime, and says how that went.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics fails, and the child tells its parent"
)]

#[path = "../support/mod.rs"]
mod support;

use std::{env, fs, process::Command};

use realtime::{
    Client,
    websocket::{Runtime, SocketTransport},
};
use support::{
    authority::Authority,
    relay::{Manners, TestProxy},
    server::Server,
    tell,
};

const URL: &str = "REALTIME_TEST_URL";

fn main() {
    match env::var(URL) {
        Ok(url) => connect(&url),
        Err(_) => {
            let authority = Authority::new();
            let server = Server::tls(authority.server(&["localhost", "service.test"]));
            let directory = env::temp_dir().join(format!("realtime-environment-{}", std::process::id()));
            fs::create_dir_all(&directory).unwrap();
            let file = directory.join("ca.pem");
            fs::write(&file, authority.pem()).unwrap();
            the_file_of_certificates_is_trusted(&server, file.to_str().unwrap());
            proxies_are_used(&server, file.to_str().unwrap());
            fs::remove_dir_all(directory).unwrap();
        }
    }
}

fn connect(url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(connect_on::<realtime::tokio::Tokio>(url));
    async_std::task::block_on(connect_on::<realtime::async_std::AsyncStd>(url));
    smol::block_on(connect_on::<realtime::smol::Smol>(url));
}

async fn connect_on<R: Runtime>(url: &str) {
    let client = Client::builder(SocketTransport::<R>::new()).base_url(url).build();
    match client.realtime().model("m").run(async |_| Ok(())).await {
        Ok(()) => println!("connected"),
        Err(error) => println!("{}", tell(&error)),
    }
}

/// Runs this program in an environment of this, and checks what it says for each runtime.
#[track_caller]
fn expect(url: &str, environment: &[(&str, &str)], words: &str) {
    let mut command = Command::new(env::current_exe().unwrap());
    for name in ["https_proxy", "http_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let output = command.env(URL, url).envs(environment.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(!said.is_empty() && said.lines().all(|line| line.contains(words)), "{environment:?}: {said}");
    assert!(!said.contains("hunter2"), "{said}");
}

fn the_file_of_certificates_is_trusted(server: &Server, file: &str) {
    let url = server.url("https", "localhost");
    expect(&url, &[("SSL_CERT_FILE", file)], "connected");
    expect(&url, &[], "UnknownIssuer");
    expect(&url, &[("SSL_CERT_FILE", "/no/such/file")], "the file of SSL_CERT_FILE cannot be read");
}

fn proxies_are_used(secure: &Server, file: &str) {
    let plain = Server::plain();
    let manners = Manners { user: Some(("user", "hunter2")), ..Manners::default() };
    let http = TestProxy::http(plain.port, manners.clone());
    let tunnel = TestProxy::http(secure.port, manners.clone());
    let socks = TestProxy::socks(plain.port, manners);
    let http_url = format!("http://user:hunter2@127.0.0.1:{}", http.port);
    let tunnel_url = format!("http://user:hunter2@127.0.0.1:{}", tunnel.port);
    let socks_url = format!("socks5://user:hunter2@127.0.0.1:{}", socks.port);

    // The name leads nowhere but through a proxy.
    let url = "http://service.test/v1";
    expect(url, &[("http_proxy", &http_url)], "connected");
    expect(url, &[("all_proxy", &socks_url)], "connected");
    expect(url, &[("ALL_PROXY", &socks_url)], "connected");
    for name in ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        expect("https://service.test/v1", &[(name, &tunnel_url), ("SSL_CERT_FILE", file)], "connected");
    }
    let runtimes = http.asked().len();
    assert_eq!(http.asked(), vec!["service.test:80"; runtimes]);
    assert_eq!(socks.asked(), vec!["service.test:80"; 2 * runtimes]);
    assert_eq!(tunnel.asked(), vec!["service.test:443"; 3 * runtimes]);

    let unreached = "the server could not be reached";
    expect(url, &[("HTTP_PROXY", &http_url)], unreached);
    for (name, list) in [("NO_PROXY", "example.com,.test"), ("no_proxy", "service.test"), ("no_proxy", "*")] {
        expect(url, &[("http_proxy", &http_url), (name, list)], unreached);
    }
    assert_eq!(http.asked().len(), runtimes);

    // This machine is never reached through one, and a wrong one is told without being shown.
    expect(&plain.url("http", "localhost"), &[("http_proxy", "http://127.0.0.1:1")], "connected");
    expect(url, &[("http_proxy", "ftp://hunter2@proxy")], "what http_proxy holds is no proxy's URL");
}
