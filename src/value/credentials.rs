//! What is secret in an address: who asks and with which password or token, not which host answers.
use percent_encoding::percent_decode_str;

/// Names that a query gives to what nobody else may know.
const WORDS: [&str; 8] = ["token", "key", "secret", "password", "passwd", "pwd", "auth", "sig"];

/// The secret parts of an HTTP address, each as written and decoded: the password, or the user who needs none, all of
/// what stands before the `@`, and the values in the query whose names say so.
#[must_use]
pub fn credentials(address: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // A raw `/` or `?` in a password is wrong and seen all the same: what looks like the port is then none.
    let torn =
        authority.rsplit_once(':').is_some_and(|(_, port)| !port.chars().all(|c| c.is_ascii_digit() || c == ']'));
    let before = authority.rsplit_once('@').or_else(|| rest.rsplit_once('@').filter(|_| torn));
    if let Some((user, _)) = before {
        found.push(user.split_once(':').map_or(user, |(_, password)| password).to_owned());
        found.push(user.to_owned());
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    for (name, value) in query.split(['&', '#']).filter_map(|pair| pair.split_once('=')) {
        let name = name.to_lowercase();
        if WORDS.iter().any(|word| name.contains(word)) {
            found.push(value.to_owned());
        }
    }
    let decoded: Vec<String> =
        found.iter().map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect();
    found.extend(decoded);
    found.retain(|part| !part.is_empty());
    found.sort();
    found.dedup();
    found
}

/// The address for people: without user and password, and without the values that its query gives to nobody else.
#[must_use]
pub fn shown(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let mut out = if scheme.is_empty() { format!("{host}{path}") } else { format!("{scheme}://{host}{path}") };
    for (i, pair) in query.into_iter().flat_map(|q| q.split('&')).enumerate() {
        out.push(if i == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if WORDS.iter().any(|word| name.to_lowercase().contains(word)) => {
                out.push_str(name);
                out.push_str("=…");
            }
            _ => out.push_str(pair),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_no_credential() {
        for address in [
            "http://127.0.0.1:8099",
            "https://api.example.com/v1/?page=3",
            "http://[::1]:80/a@b",
            "http://[::1]/a@b",
            "x",
        ] {
            assert_eq!(credentials(address), Vec::<String>::new(), "{address}");
        }
    }

    #[test]
    fn an_address_is_shown_without_them() {
        for (address, expected) in [
            ("https://app:s3cr%40t@h:1/x?a=1&token=abc&b=2", "https://h:1/x?a=1&token=…&b=2"),
            ("http://h", "http://h"),
            ("/path?api_key=k", "/path?api_key=…"),
            ("http://[::1]:80/a@b?x", "http://[::1]:80/a@b?x"),
        ] {
            assert_eq!(shown(address), expected);
        }
    }

    #[test]
    fn passwords_and_tokens_are() {
        assert_eq!(credentials("https://app:s3cr%40t@h:1/x"), ["app:s3cr%40t", "app:s3cr@t", "s3cr%40t", "s3cr@t"]);
        assert_eq!(credentials("http://app:se/cret@h/x"), ["app:se/cret", "se/cret"]);
        assert_eq!(credentials("https://ghp_abc@h"), ["ghp_abc"]);
        assert_eq!(credentials("https://h/x?a=1&access_token=abc&Signature=de#f"), ["abc", "de"]);
    }
}
