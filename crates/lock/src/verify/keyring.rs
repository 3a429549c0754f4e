//! The keyring out of the package that carries it.

use super::{Keys, VerifyError, packets::certificates};
use groundup_debian::{
    archive::{Keyring, known_key},
    package::unpack,
};
use groundup_digest::BlobId;
use groundup_store::Store;
use groundup_tree::{FileTree, Kind, TreePath};

/// A regular file of a package: where it really is, and its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) path: String,
    pub(crate) blob: BlobId,
}

/// Links are followed at most so often.
const MOST_LINKS: usize = 8;

/// The keyring `member` of the `.deb` whose bytes are `package`; with [`Keys::Known`] only those of
/// its keys that are built in, byte for byte.
pub fn keyring(
    store: &Store,
    package: BlobId,
    member: &str,
    keys: Keys,
) -> Result<BlobId, VerifyError> {
    let found = self::member(store, package, &[member])?;
    if keys == Keys::All {
        return Ok(found.blob);
    }
    let known = known_keys(&store.read_blob(found.blob)?)?;
    Ok(store.put_blob(&known)?.blob)
}

/// The first of `members` that is a file of the package, links followed.
pub(crate) fn member(
    store: &Store,
    package: BlobId,
    members: &[&str],
) -> Result<Member, VerifyError> {
    let data = store.load_tree(unpack(store, package)?.data)?;
    let found = members.iter().find_map(|member| file(&data, member));
    found.ok_or_else(|| VerifyError::NoMember {
        member: members.first().map_or_else(String::new, |member| (*member).to_owned()),
        found: keyrings(&data),
    })
}

/// The certificates of a binary keyring whose primary keys are built in.
pub(crate) fn known_keys(keyring: &[u8]) -> Result<Vec<u8>, VerifyError> {
    let (mut known, mut found) = (Vec::new(), Vec::new());
    for range in certificates(keyring).map_err(|offset| VerifyError::Packets { offset })? {
        let certificate = &keyring[range];
        // A key of a kind that is not understood cannot sign.
        let Ok(parsed) = Keyring::parse(certificate) else { continue };
        let fingerprints = parsed.fingerprints();
        if fingerprints.iter().all(|fingerprint| known_key(fingerprint).is_some()) {
            known.extend_from_slice(certificate);
        }
        found.extend(fingerprints);
    }
    if known.is_empty() { Err(VerifyError::NoKnownKey { found }) } else { Ok(known) }
}

fn file(data: &FileTree, member: &str) -> Option<Member> {
    let mut path = TreePath::parse(member.as_bytes()).ok()?;
    for _ in 0..MOST_LINKS {
        match &data.get(&path)?.kind {
            Kind::File { blob, .. } => {
                let path = String::from_utf8(path.as_bytes().to_vec()).ok()?;
                return Some(Member { path, blob: *blob });
            }
            Kind::Symlink { target } => path = target_of(&path, target)?,
            _ => return None,
        }
    }
    None
}

fn target_of(link: &TreePath, target: &[u8]) -> Option<TreePath> {
    let mut parts: Vec<&[u8]> = link.names().collect();
    parts.pop();
    if target.starts_with(b"/") {
        parts.clear();
    }
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    TreePath::new(&parts.join(&b'/')).ok()
}

fn keyrings(data: &FileTree) -> Vec<String> {
    let paths = data.iter().map(|(path, _)| String::from_utf8_lossy(path.as_bytes()));
    let named = paths.filter(|path| [".gpg", ".pgp", ".asc"].iter().any(|end| path.ends_with(end)));
    named.map(|path| path.into_owned()).collect()
}
