//! The stanza form of apt sources (deb822): fields, with every URI times every suite.

use super::{AptSource, words};
use std::collections::BTreeMap;

pub(super) fn parse(text: &str) -> Vec<AptSource> {
    stanzas(text).iter().flat_map(sources).collect()
}

/// Field names in lower case -> values, lines joined by a newline.
type Stanza = BTreeMap<String, String>;

fn stanzas(text: &str) -> Vec<Stanza> {
    let mut out = vec![Stanza::new()];
    let mut last = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(stanza) = out.last_mut() else { break };
        if line.trim().is_empty() {
            out.push(Stanza::new());
            last = None;
        } else if line.starts_with([' ', '\t']) {
            if let Some(value) = last.as_ref().and_then(|field| stanza.get_mut(field)) {
                let value: &mut String = value;
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((field, value)) = line.split_once(':') {
            let field = field.trim().to_ascii_lowercase();
            stanza.insert(field.clone(), value.trim().to_owned());
            last = Some(field);
        }
    }
    out
}

fn sources(stanza: &Stanza) -> Vec<AptSource> {
    let field = |name: &str| stanza.get(name).map(String::as_str).unwrap_or_default();
    // The words that apt takes for "no".
    let disabled = ["no", "false", "without", "off", "disable", "0"];
    if disabled.iter().any(|no| field("enabled").eq_ignore_ascii_case(no)) {
        return Vec::new();
    }
    if !words(field("types")).iter().any(|kind| kind == "deb" || kind == "deb-src") {
        return Vec::new();
    }
    let signed_by = match field("signed-by") {
        key if key.contains("-----BEGIN") => Vec::new(),
        names => names.split([',', ' ', '\n']).filter(|n| !n.is_empty()).map(Into::into).collect(),
    };
    let components = words(field("components"));
    let mut out = Vec::new();
    for uri in words(field("uris")) {
        for suite in words(field("suites")) {
            let (components, signed_by) = (components.clone(), signed_by.clone());
            out.push(AptSource { uri: uri.clone(), suite, components, signed_by });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_uri_times_every_suite() {
        let text = "# comment\nTypes: deb\n# comment\nURIs: https://a.invalid/d\n https://b.invalid/d\n\
            suites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /k/a.gpg\n";
        let found = parse(text);
        let shown: Vec<_> = found.iter().map(|s| (s.uri.as_str(), s.suite.as_str())).collect();
        let expected = [
            ("https://a.invalid/d", "bookworm"),
            ("https://a.invalid/d", "bookworm-updates"),
            ("https://b.invalid/d", "bookworm"),
            ("https://b.invalid/d", "bookworm-updates"),
        ];
        assert_eq!(shown, expected);
        assert!(found.iter().all(|s| s.signed_by == ["/k/a.gpg"] && s.components.len() == 2));
    }

    #[test]
    fn disabled_stanzas_are_left_out_and_embedded_keys_are_no_names() {
        let text = "Types: deb\nURIs: https://a.invalid\nSuites: x\nEnabled: No\n\n\n\
            Types: deb-src\nURIs: https://b.invalid\nSuites: y\nComponents: main\nSigned-By:\n \
            -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQIN\n -----END PGP PUBLIC KEY BLOCK-----\n";
        let [one] = &parse(text)[..] else { panic!("not one source") };
        assert_eq!((one.uri.as_str(), one.signed_by.len()), ("https://b.invalid", 0));
    }
}
