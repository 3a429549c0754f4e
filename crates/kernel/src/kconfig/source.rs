//! Paths of files that are included.

use super::Problem;

/// From where a path counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// From the root of the tree: `source`.
    Root,
    /// From the folder of the file that includes: `rsource`.
    Folder,
}

/// Whether the file has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
}

/// What a word of inclusion means.
pub(crate) fn inclusion(word: &str) -> Option<(Anchor, Presence)> {
    match word {
        "source" => Some((Anchor::Root, Presence::Required)),
        "osource" => Some((Anchor::Root, Presence::Optional)),
        "rsource" => Some((Anchor::Folder, Presence::Required)),
        "orsource" => Some((Anchor::Folder, Presence::Optional)),
        _ => None,
    }
}

/// The path of a file from the root of the tree; `by` is the file that includes it.
pub(crate) fn resolve(path: &str, by: &str, anchor: Anchor) -> Result<String, Problem> {
    let mut parts: Vec<&str> = Vec::new();
    if anchor == Anchor::Folder {
        parts.extend(by.split('/'));
        parts.pop();
    }
    if path.starts_with('/') || path.contains('\0') {
        return Err(Problem::BadPath(path.to_owned()));
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| Problem::BadPath(path.to_owned()))?;
            }
            name => parts.push(name),
        }
    }
    if parts.is_empty() {
        return Err(Problem::BadPath(path.to_owned()));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_tree() {
        let of = |path, anchor| resolve(path, "net/core/Kconfig", anchor).ok();
        assert_eq!(of("net//./x/Kconfig", Anchor::Root).as_deref(), Some("net/x/Kconfig"));
        assert_eq!(of("Kconfig.a", Anchor::Folder).as_deref(), Some("net/core/Kconfig.a"));
        assert_eq!(of("../x", Anchor::Folder).as_deref(), Some("net/x"));
        for outside in ["../x", "/etc/x", "", ".", "a/../.."] {
            assert_eq!(of(outside, Anchor::Root), None, "{outside}");
        }
    }
}
