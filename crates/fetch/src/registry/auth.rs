//! How a registry wants to be told who asks: the `WWW-Authenticate` header (RFC 9110, section 11),
//! and the token service of the distribution specification.

use std::collections::BTreeMap;

/// One challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A user and a password.
    Basic,
    /// A token of the service at `realm`.
    Bearer {
        /// URL of the service.
        realm: String,
        /// What the service is told of the registry.
        service: Option<String>,
    },
}

/// Reads the first challenge of a known kind.
pub(super) fn parse(header: &str) -> Option<Challenge> {
    let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut parameters = parameters(rest);
    let realm = parameters.remove("realm")?;
    Some(Challenge::Bearer { realm, service: parameters.remove("service") })
}

/// `name=value` or `name="value"`, separated by commas, which quoted values may hold too.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([',', ' ']).to_ascii_lowercase();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        out.insert(name, value.trim().to_owned());
        rest = after;
    }
    out
}

/// What a token service answers.
#[derive(serde::Deserialize)]
pub(super) struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl TokenAnswer {
    pub(super) fn token(self) -> Option<String> {
        self.token.or(self.access_token).filter(|token| !token.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_of_both_kinds() {
        let header = r#"Bearer realm="https://auth.invalid/token",service="r.invalid",scope="repository:a:pull,push""#;
        let realm = "https://auth.invalid/token".to_owned();
        let service = Some("r.invalid".to_owned());
        assert_eq!(parse(header), Some(Challenge::Bearer { realm, service }));
        assert_eq!(parse("basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(parse("Negotiate"), None);
        assert_eq!(parse("Bearer service=x"), None);
    }
}
