use super::*;
use base64::engine::general_purpose::STANDARD;

fn rules(env: &[(&str, &str)]) -> Result<ProxyRules> {
    ProxyOptions::from_environment().rules(&env.iter().copied().collect())
}

fn proxy_of(env: &[(&str, &str)], url: &str) -> Option<String> {
    rules(env).unwrap().intercept(&url.parse().unwrap()).map(|found| found.uri().to_string())
}

#[test]
fn the_environment_is_read_as_curl_does() {
    let env =
        [("HTTPS_PROXY", "s:1"), ("http_proxy", "http://h:2/"), ("NO_PROXY", "a.com, .b.com ,10.0.0.0/8,*.c.com")];
    assert_eq!(proxy_of(&env, "https://x.com/").as_deref(), Some("http://s:1/"));
    assert_eq!(proxy_of(&env, "http://x.com/").as_deref(), Some("http://h:2/"));
    for direct in ["https://a.com/", "https://w.a.com/", "https://w.b.com/", "http://10.1.2.3/", "https://w.c.com/"] {
        assert_eq!(proxy_of(&env, direct), None, "{direct}");
    }
    assert!(proxy_of(&env, "https://nota.com/").is_some());
    assert_eq!(proxy_of(&[("ALL_PROXY", "http://p:3"), ("no_proxy", "*")], "https://x.com/"), None);
    assert_eq!(proxy_of(&[("all_proxy", "http://p:3")], "https://x.com/").as_deref(), Some("http://p:3/"));
    assert_eq!(proxy_of(&[], "https://x.com/"), None);
}

#[test]
fn no_proxy_may_name_a_port() {
    let env = [("ALL_PROXY", "http://p:3"), ("NO_PROXY", "x.com:8443,10.0.0.1:80,[2001:db8::1]:443")];
    assert_eq!(proxy_of(&env, "https://x.com:8443/"), None);
    assert_eq!(proxy_of(&env, "http://10.0.0.1/"), None);
    assert_eq!(proxy_of(&env, "https://[2001:db8::1]/"), None);
    assert!(proxy_of(&env, "https://x.com/").is_some());
    assert!(proxy_of(&env, "https://y.com:8443/").is_some());
    assert!(proxy_of(&env, "http://10.0.0.1:81/").is_some());
}

#[test]
fn this_machine_and_its_metadata_service_are_never_asked_through_a_proxy() {
    let env = [("ALL_PROXY", "http://p:3"), ("HTTP_PROXY", "http://p:3"), ("HTTPS_PROXY", "http://p:3")];
    let fixed = ProxyOptions::new("http://p:3").rules(&Environment::empty()).unwrap();
    for host in [
        "localhost",
        "LocalHost.",
        "a.localhost",
        "127.0.0.1",
        "127.255.0.9",
        "127.1",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "2130706433",
        "0.0.0.0",
        "169.254.169.254",
        "169.254.170.2",
        "metadata.google.internal",
        "METADATA.google.internal.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "[febf::1]",
        "[fd00:ec2::254]",
    ] {
        for url in [format!("http://{host}/x"), format!("http://{host}:8080/x"), format!("https://{host}/x")] {
            assert_eq!(proxy_of(&env, &url), None, "{url}");
            assert!(fixed.intercept(&url.parse().unwrap()).is_none(), "{url}");
        }
    }
    for host in [
        "localhost.example.com",
        "128.0.0.1",
        "169.253.0.1",
        "[fec0::1]",
        "[::2]",
        "[::ffff:10.0.0.1]",
        "127.0.0.1.example.com",
        "256.1",
    ] {
        assert!(proxy_of(&env, &format!("http://{host}/x")).is_some(), "{host}");
    }
}

#[test]
fn a_cgi_program_does_not_let_its_caller_choose() {
    assert_eq!(proxy_of(&[("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")], "http://x.com/"), None);
}

#[test]
fn code_beats_the_environment() {
    let env = Environment::from_iter([("HTTPS_PROXY", "http://env:1")]);
    let uri = "https://x.com/".parse().unwrap();
    assert!(ProxyOptions::none().rules(&env).unwrap().intercept(&uri).is_none());
    let rules = ProxyOptions::new("http://code:2").basic_auth("u@x", "p:w".into()).rules(&env).unwrap();
    let found = rules.intercept(&uri).unwrap();
    assert_eq!(found.uri().host(), Some("code"));
    assert_eq!(found.basic_auth().unwrap(), "Basic dUB4OnA6dw==");
}

/// User and password as the proxy sees them, and the proxy.
fn sent(url: &str) -> (String, String) {
    let found = rules(&[("HTTPS_PROXY", url)]).unwrap().intercept(&"https://x.com/".parse().unwrap()).unwrap();
    let pair = found.basic_auth().map_or_else(Vec::new, |value| STANDARD.decode(&value.as_bytes()[6..]).unwrap());
    (pair.iter().map(|byte| char::from(*byte)).collect(), found.uri().to_string())
}

#[test]
fn user_and_password_are_taken_as_typed() {
    for (url, pair) in [
        ("http://u:p@h:1", "u:p"),
        ("http://u:p%40ss@h:1", "u:p@ss"),
        ("http://u:p@ss@h:1", "u:p@ss"),
        ("http://u:50%@h:1", "u:50%"),
        ("http://u:50%off%40@h:1", "u:50%off%40"),
        ("http://u:a:b:c@h:1", "u:a:b:c"),
        ("http://u:a/b?c#d@h:1", "u:a/b?c#d"),
        ("http://u:a b\"c<>\\^`{|}@h:1", "u:a b\"c<>\\^`{|}"),
        ("http://u:x://y@h:1", "u:x://y"),
        ("u:x://y@h:1", "u:x://y"),
        ("http://DOMAIN\\user:p@h:1", "DOMAIN\\user:p"),
        ("http://u:%E9@h:1", "u:\u{e9}"),
        ("http://u@h:1", "u:"),
        ("http://:p@h:1", ":p"),
        ("http://@h:1", ""),
        (" http://u:p@h:1/ ", "u:p"),
        ("HTTP://u:p@h:1", "u:p"),
        ("u:p@h:1", "u:p"),
    ] {
        assert_eq!(sent(url), (pair.to_owned(), "http://h:1/".to_owned()), "{url}");
    }
    assert_eq!(sent("http://u:p@[::1]:3128").1, "http://[::1]:3128/");
}

#[test]
fn a_bad_url_is_an_error_that_names_the_variable_and_hides_the_password() {
    for bad in [
        "http://u:secret@",
        "ftp://u:secret@x",
        "http://u:secret@h:99999",
        "http://u:secret@h:0",
        "http://u:secret@h:port",
        "http://u:secret@:3128",
        "http://u:secret@h o:3128",
        "http://u:secret@h/\u{0}:1@h:x",
        "https://",
        "://h:1",
        "http://[::1:3128",
    ] {
        for name in ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"] {
            let error = rules(&[(name, bad)]).map(drop).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!format!("{error} {error:?} {}", error.report()).contains("secret"), "{error}");
        }
    }
}

#[test]
fn no_form_of_a_proxy_shows_its_password() {
    let found = rules(&[("HTTPS_PROXY", "http://u:secret@h:1")])
        .unwrap()
        .intercept(&"https://x.com/".parse().unwrap())
        .unwrap();
    assert_eq!(found.to_string(), "http://h:1 (set by HTTPS_PROXY)");
    assert!(!format!("{found:?} {:?}", found.basic_auth()).contains("secret"));
}
