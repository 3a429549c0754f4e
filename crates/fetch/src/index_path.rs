//! The paths under which an archive may have an index file, besides the pinned one.
//!
//! An index lies at its name, where the next release replaces it, and at its digest, where archives
//! keep a few generations. Services that keep old states have only the names.

use groundup_digest::Sha256;

const FORMS: [&str; 3] = [".xz", ".gz", ""];

/// The pinned path first, then others with the same content; of a file that is no index, that path
/// alone.
pub fn index_paths(path: &str, sha256: Sha256) -> Vec<String> {
    let mut paths = vec![path.to_owned()];
    let Some((folder, file)) = path.rsplit_once('/') else { return paths };
    let by_hash = folder.strip_suffix("/by-hash/SHA256");
    let plain = by_hash.unwrap_or(folder);
    let kind = plain.rsplit('/').next().unwrap_or_default();
    let name = match kind {
        "source" => "Sources",
        kind if kind.starts_with("binary-") => "Packages",
        _ => return paths,
    };
    if !path.starts_with("dists/") || (by_hash.is_none() && !file.starts_with(name)) {
        return paths;
    }
    if by_hash.is_none() {
        paths.push(format!("{plain}/by-hash/SHA256/{sha256}"));
    } else {
        paths.extend(FORMS.iter().map(|form| format!("{plain}/{name}{form}")));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_looked_for_by_name_and_by_digest() {
        let digest = Sha256::of(b"x");
        let folder = "dists/test/main/binary-amd64";
        let hashed = format!("{folder}/by-hash/SHA256/{digest}");
        assert_eq!(
            index_paths(&hashed, digest),
            [
                hashed.clone(),
                format!("{folder}/Packages.xz"),
                format!("{folder}/Packages.gz"),
                format!("{folder}/Packages"),
            ]
        );
        let named = format!("{folder}/Packages.xz");
        assert_eq!(index_paths(&named, digest), [named.clone(), hashed]);
        let source = format!("dists/test/main/source/by-hash/SHA256/{digest}");
        assert!(index_paths(&source, digest)[1].ends_with("main/source/Sources.xz"));
    }

    #[test]
    fn other_files_have_one_path() {
        for path in ["pool/main/b/binary-x/a_1_all.deb", "dists/test/InRelease", "x"] {
            assert_eq!(index_paths(path, Sha256::of(b"x")), [path]);
        }
    }
}
