//! The host's apt sources as a list: where this machine already gets its packages from.
//!
//! Both forms of sources.list(5) are read: one line per source (`.list`) and stanzas (`.sources`).
//! What apt would refuse is left out rather than reported: these files belong to the host.

mod line;
mod stanza;

use std::path::Path;

/// One suite at one place, of binary or source packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptSource {
    /// The top of the archive, as written.
    pub uri: String,
    /// Suite or code name; a path that ends in `/` for an archive without suites.
    pub suite: String,
    /// Components.
    pub components: Vec<String>,
    /// Paths or fingerprints of the keys that it is verified with; a key that stands in the file
    /// itself is left out.
    pub signed_by: Vec<String>,
}

/// Reads the texts of apt sources files, given with their paths; each source once.
pub fn apt_sources(texts: &[(impl AsRef<Path>, String)]) -> Vec<AptSource> {
    let mut out: Vec<AptSource> = Vec::new();
    for (path, text) in texts {
        let found = match path.as_ref().extension() {
            Some(extension) if extension == "sources" => stanza::parse(text),
            _ => line::parse(text),
        };
        for source in found {
            if !out.contains(&source) {
                out.push(source);
            }
        }
    }
    out
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_decides_the_form_and_repeats_are_dropped() {
        let line = "deb https://mirror.invalid/debian bookworm main\n".to_owned();
        let stanza = "Types: deb deb-src\nURIs: https://mirror.invalid/debian\n\
                      Suites: bookworm\nComponents: main\n";
        let texts = [("/a/sources.list", line), ("/a/x.sources", stanza.to_owned())];
        let [one] = &apt_sources(&texts)[..] else { panic!("not one source") };
        assert_eq!((one.suite.as_str(), &one.components[..]), ("bookworm", &["main".into()][..]));
    }
}
