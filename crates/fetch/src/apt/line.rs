//! The one-line form of apt sources: `deb [ options ] uri suite components`.

use super::{AptSource, words};

pub(super) fn parse(text: &str) -> Vec<AptSource> {
    text.lines().filter_map(source).collect()
}

fn source(line: &str) -> Option<AptSource> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let rest = line.strip_prefix("deb-src").or_else(|| line.strip_prefix("deb"))?;
    if !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let rest = rest.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => ("", rest),
    };
    let rest = rest.trim_start();
    // A disc's name stands in brackets and may hold spaces; there is nothing to fetch from it.
    if rest.starts_with("cdrom:") {
        return None;
    }
    let mut rest = words(rest).into_iter();
    let (uri, suite) = (rest.next()?, rest.next()?);
    let mut signed_by = Vec::new();
    for option in options.split_whitespace() {
        match option.split_once('=') {
            Some((key, value)) if key.eq_ignore_ascii_case("signed-by") => {
                signed_by.extend(value.split(',').map(str::to_owned));
            }
            _ => {}
        }
    }
    Some(AptSource { uri, suite, components: rest.collect(), signed_by })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_comments_and_discs() {
        let text = "# deb https://no.invalid/debian bookworm main\n\
            deb [arch=amd64,arm64 signed-by=/k/a.gpg,/k/b.gpg] https://a.invalid/d bookworm main non-free # x\n\
            deb [ signed-by=/k/c.gpg ] https://c.invalid/d bookworm-security main\n\
            deb cdrom:[Debian GNU/Linux 12 _Bookworm_]/ bookworm main\n\
            deb-src https://a.invalid/d bookworm\n\
            debris https://no.invalid bookworm main\n\
            deb https://flat.invalid/x ./\n\
            deb https://short.invalid\n";
        let found = parse(text);
        let shown: Vec<_> = found.iter().map(|s| (s.uri.as_str(), s.suite.as_str())).collect();
        let expected = [
            ("https://a.invalid/d", "bookworm"),
            ("https://c.invalid/d", "bookworm-security"),
            ("https://a.invalid/d", "bookworm"),
            ("https://flat.invalid/x", "./"),
        ];
        assert_eq!(shown, expected);
        assert_eq!(found[0].signed_by, ["/k/a.gpg", "/k/b.gpg"]);
        assert_eq!(found[0].components, ["main", "non-free"]);
        assert_eq!(found[1].signed_by, ["/k/c.gpg"]);
    }
}
