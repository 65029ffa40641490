use realtime_core::{
    auth::Credential,
    endpoint::{Endpoint, EndpointError},
};

use crate::{SECRET, row::*};

pub(crate) fn headers() -> Vec<Row> {
    let acme = || Endpoint::openai().extras(none().organization("org-1").header("X-A", "1"));
    let (org, x1) = (("openai-organization", "org-1"), ("x-a", "1"));
    vec![
        row("ephemeral key").by(Credential::ephemeral("ek_1")).headers(&[("authorization", "Bearer ek_1"), USER_AGENT]),
        row("bearer").by(Credential::bearer("ey.1")).headers(&[("authorization", "Bearer ey.1"), USER_AGENT]),
        row("key of Azure elsewhere").by(Credential::azure_key("k1")).headers(&[("api-key", "k1"), USER_AGENT]),
        row("no credential").by(Credential::None).headers(&[USER_AGENT]),
        row("typed headers")
            .with(none().organization("org-1").project("proj_1").safety_identifier("u1").user_agent("app/1"))
            .headers(&[
                BEARER,
                org,
                ("openai-project", "proj_1"),
                ("openai-safety-identifier", "u1"),
                ("user-agent", "app/1"),
            ]),
        row("default headers").at(acme()).headers(&[BEARER, org, USER_AGENT, x1]),
        row("connection's header replaces").at(acme()).header("x-A", "2").headers(&[
            BEARER,
            org,
            USER_AGENT,
            ("x-a", "2"),
        ]),
        row("connection's header is added").at(acme()).header("X-B", "2").headers(&[
            BEARER,
            org,
            USER_AGENT,
            x1,
            ("x-b", "2"),
        ]),
        row("header over the credential")
            .header("aUTHORIZATION", "Bearer other")
            .headers(&[("authorization", "Bearer other"), USER_AGENT]),
        row("default header over the credential")
            .at(Endpoint::openai().extras(none().header("Authorization", "Basic eA==")))
            .headers(&[("authorization", "Basic eA=="), USER_AGENT]),
        row("default removed")
            .at(acme())
            .with(none().without_header("x-a").without_header("openai-organization"))
            .headers(&[BEARER, USER_AGENT]),
        row("credential and user agent removed")
            .with(none().without_header("Authorization").without_header("User-Agent"))
            .headers(&[]),
        row("set after it was removed").at(acme()).with(none().without_header("X-A").header("X-A", "3")).headers(&[
            BEARER,
            org,
            USER_AGENT,
            ("x-a", "3"),
        ]),
        row("removed by default, set again")
            .at(Endpoint::openai().extras(none().without_header("user-agent")))
            .with(none().user_agent("app/1"))
            .headers(&[BEARER, ("user-agent", "app/1")]),
        row("what is not there is removed").with(none().without_header("X-Z")).headers(&[BEARER, USER_AGENT]),
        row("empty value").header("X-A", "").headers(&[BEARER, USER_AGENT, ("x-a", "")]),
        row("beta").at(Endpoint::openai().beta(true)).headers(&[BEARER, ("openai-beta", "realtime=v1"), USER_AGENT]),
        row("beta removed")
            .at(Endpoint::openai().beta(true))
            .with(none().without_header("OpenAI-Beta"))
            .headers(&[BEARER, USER_AGENT]),
    ]
}

pub(crate) fn browser_rows() -> Vec<Row> {
    let key = "openai-insecure-api-key.ek_1";
    let ephemeral = || Credential::ephemeral("ek_1");
    let acme = || browser().extras(none().organization("org-1").project("proj_1"));
    vec![
        row("browser").at(browser()).by(ephemeral()).offers(&["realtime", key]),
        row("browser, API key").at(browser()).offers(&["realtime", "openai-insecure-api-key.sk-1"]),
        row("browser, no credential").at(browser()).by(Credential::None).offers(&["realtime"]),
        row("browser, organisation and project").at(acme()).by(ephemeral()).offers(&[
            "realtime",
            key,
            "openai-organization.org-1",
            "openai-project.proj_1",
        ]),
        row("browser, another organisation")
            .at(acme())
            .by(ephemeral())
            .with(none().header("openai-organization", "org-2").without_header("OpenAI-Project"))
            .offers(&["realtime", key, "openai-organization.org-2"]),
        row("browser, user agent is left to it")
            .at(browser())
            .by(ephemeral())
            .with(none().user_agent("app/1"))
            .offers(&["realtime", key]),
        row("browser, beta").at(browser().beta(true)).by(ephemeral()).offers(&[
            "realtime",
            key,
            "openai-beta.realtime-v1",
        ]),
        row("browser, a header")
            .at(browser())
            .with(none().safety_identifier(SECRET))
            .fails(EndpointError::BrowserHeader { name: "openai-safety-identifier".into() }),
        row("browser, authorization")
            .at(browser())
            .header("Authorization", SECRET)
            .fails(EndpointError::BrowserHeader { name: "authorization".into() }),
        row("browser, organisation that is no token")
            .at(browser())
            .with(none().organization("o,s3cr3t"))
            .fails(EndpointError::BrowserHeader { name: "openai-organization".into() }),
        row("browser, key that is no token")
            .at(browser())
            .by(Credential::api_key("sk,s3cr3t"))
            .fails(EndpointError::KeyCharacter),
        row("browser, empty key").at(browser()).by(Credential::ephemeral("")).fails(EndpointError::EmptyKey),
        row("browser, key of Azure").at(browser()).by(Credential::azure_key(SECRET)).fails(EndpointError::BrowserAzure),
        row("browser, at Azure")
            .at(azure().browser(true))
            .by(Credential::bearer(SECRET))
            .fails(EndpointError::BrowserAzure),
    ]
}
