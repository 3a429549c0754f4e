//! What a word of the command line asks about.

use crate::{args::Global, context::start_dir, error::CliError};
use groundup_build::history::Asked;
use groundup_digest::ContentHasher;
use groundup_store::IdPrefix;
use std::{fs::File, io::Read, path::Path};

/// The fewest digits that are looked up: fewer fit too much.
const FEWEST: usize = 4;

/// Reads a digest in one of its forms, or a file.
pub(super) fn parse(global: &Global, word: &str) -> Result<Asked, CliError> {
    if let Some(asked) = digest(word)? {
        return Ok(asked);
    }
    let path = start_dir(global)?.join(word);
    if path.is_file() {
        return hashed(&path);
    }
    let hint = "a digest is `sha256:…`, `name@sha256:…`, `tree:…`, `blob:…`, 4 to 64 hexadecimal \
                digits, or a file that is there";
    Err(CliError::usage(format!("`{word}` is no digest, and no file is there")).hint(hint))
}

/// The digest that a word is; none if it has the form of none.
pub(crate) fn digest(word: &str) -> Result<Option<Asked>, CliError> {
    // `docker-pullable://`, `docker://`, `containerd://`: what runtimes put before an id.
    let bare = word.split_once("://").map_or(word, |(_, rest)| rest);
    let bare = bare.rsplit_once('@').map_or(bare, |(_, digest)| digest);
    if let Some(digits) = bare.strip_prefix("sha256:") {
        let prefix = digits.parse().map_err(|error| {
            CliError::usage(format!("`{digits}` is no SHA-256 or beginning of one: {error}"))
        })?;
        return Ok(Some(Asked::Sha256(prefix)));
    }
    if let Ok(id) = bare.parse() {
        return Ok(Some(Asked::Object(id)));
    }
    let digits = bare.strip_prefix("tree:").or_else(|| bare.strip_prefix("blob:"));
    let digits = digits.unwrap_or(bare);
    match digits.parse::<IdPrefix>() {
        Ok(prefix) if prefix.digits() >= FEWEST => Ok(Some(Asked::Any(prefix))),
        _ => Ok(None),
    }
}

/// Both digests of a file.
fn hashed(path: &Path) -> Result<Asked, CliError> {
    let failed = |error: std::io::Error| CliError::io("read", path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = ContentHasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
    }
    let content = hasher.finish();
    Ok(Asked::Content(content.blob, content.sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_digest_is_understood() {
        let hex = "ab".repeat(32);
        let whole = Asked::Sha256(hex.parse().unwrap());
        for word in [
            format!("sha256:{hex}"),
            format!("registry.example:5000/team/web@sha256:{hex}"),
            format!("docker-pullable://web@sha256:{hex}"),
            format!("docker.io/library/web:1@sha256:{hex}"),
        ] {
            assert_eq!(digest(&word).unwrap(), Some(whole), "{word}");
        }
        assert_eq!(digest(&hex).unwrap(), Some(Asked::Any(hex.parse().unwrap())));
        assert_eq!(digest("abc4").unwrap(), Some(Asked::Any("abc4".parse().unwrap())));
        assert!(matches!(digest(&format!("tree:{hex}")), Ok(Some(Asked::Object(_)))));
        assert!(matches!(digest("tree:ab12"), Ok(Some(Asked::Any(_)))));
        assert!(digest("sha256:xyz").is_err());
        assert_eq!(digest("abc").unwrap(), None);
        assert_eq!(digest("./file").unwrap(), None);
    }
}
