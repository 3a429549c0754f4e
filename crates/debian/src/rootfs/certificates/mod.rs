//! The CA certificates as `update-ca-certificates` leaves them in `/etc/ssl/certs`.
//!
//! Every certificate under `/usr/share/ca-certificates` is trusted (what the package asks an
//! administrator is answered with all), then those under `/usr/local/share/ca-certificates`. Each
//! gets a `.pem` link and one under OpenSSL's hash of its subject; all together are the bundle.

mod name_hash;

use super::{
    Draft, RootfsError,
    draft::{STATE, constant, follow_parents},
    overlay::takes,
};
use globset::GlobSet;
use groundup_tree::{Kind, Node, TreePath};
use std::collections::BTreeMap;

const SHARED: &str = "/usr/share/ca-certificates";
const LOCAL: &str = "/usr/local/share/ca-certificates";
const CERTS: &str = "/etc/ssl/certs";

/// Makes the bundle and the links, but nothing that `removed` takes or that stands there already.
pub(super) fn write(draft: &mut Draft<'_>, removed: &GlobSet) -> Result<(), RootfsError> {
    let mut bundle = Vec::new();
    // Link name -> the certificate's path and bytes; a later certificate of a name wins.
    let mut links: BTreeMap<String, (TreePath, Vec<u8>)> = BTreeMap::new();
    let shared = certificates(draft, SHARED)?;
    let enabled = configuration(draft, &shared)?;
    for (path, bytes) in shared {
        if enabled.contains(&path) {
            add(&mut bundle, &mut links, path, bytes);
        }
    }
    for (path, bytes) in certificates(draft, LOCAL)? {
        add(&mut bundle, &mut links, path, bytes);
    }
    let mut numbers: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    for (name, (path, bytes)) in &links {
        put_link(draft, name, &path.to_string(), removed)?;
        let der = pem(bytes).ok_or_else(|| RootfsError::Certificate(path.clone()))?;
        let hash = name_hash::subject_hash(&der);
        let hash = hash.ok_or_else(|| RootfsError::Certificate(path.clone()))?;
        let same = numbers.entry(hash).or_default();
        if !same.contains(&der) {
            put_link(draft, &format!("{hash:08x}.{}", same.len()), name, removed)?;
            same.push(der);
        }
    }
    let place = constant(&format!("{CERTS}/ca-certificates.crt"));
    match takes(removed, &place) || draft.finds(&place) {
        true => Ok(()),
        false => draft.put_state_at(&place, &bundle, groundup_tree::Meta::root_owned(0o644)),
    }
}

fn add(
    bundle: &mut Vec<u8>,
    links: &mut BTreeMap<String, (TreePath, Vec<u8>)>,
    path: TreePath,
    bytes: Vec<u8>,
) {
    bundle.extend_from_slice(&bytes);
    if !bundle.ends_with(b"\n") {
        bundle.push(b'\n');
    }
    let name = path.name().map(|name| name.to_string()).unwrap_or_default();
    let stem = name.strip_suffix(".crt").unwrap_or(&name);
    let stem = stem.replace(' ', "_").replace(['(', ')'], "=").replace(',', "_");
    links.insert(format!("{stem}.pem"), (path, bytes));
}

/// The `.crt` files below a directory, in the order of their paths' bytes.
fn certificates(
    draft: &Draft<'_>,
    directory: &str,
) -> Result<Vec<(TreePath, Vec<u8>)>, RootfsError> {
    let directory = constant(directory);
    let mut found: Vec<_> = draft
        .tree
        .within(&directory)
        .filter(|(path, node)| !node.is_directory() && path.as_bytes().ends_with(b".crt"))
        .map(|(path, _)| path.clone())
        .collect();
    found.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    let mut read = Vec::with_capacity(found.len());
    for path in found {
        if let Some(bytes) = draft.read(&path)? {
            read.push((path, bytes));
        }
    }
    Ok(read)
}

/// The certificates that `/etc/ca-certificates.conf` enables; where it is not there, it is made
/// with all of them.
fn configuration(
    draft: &mut Draft<'_>,
    shared: &[(TreePath, Vec<u8>)],
) -> Result<Vec<TreePath>, RootfsError> {
    let place = constant("/etc/ca-certificates.conf");
    let base = constant(SHARED);
    if let Some(bytes) = draft.read(&place)? {
        let lines = bytes.split(|byte| *byte == b'\n');
        let enabled = lines
            .filter(|line| !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b"!"));
        return Ok(enabled
            .filter_map(|l| Some(base.join_path(&TreePath::parse(l).ok()?)))
            .collect());
    }
    let mut text = b"# The certificates of /usr/share/ca-certificates that are trusted.\n".to_vec();
    for (path, _) in shared {
        text.extend_from_slice(path.strip(&base).unwrap_or_default().as_bytes());
        text.push(b'\n');
    }
    draft.put_state_at(&place, &text, groundup_tree::Meta::root_owned(0o644))?;
    Ok(shared.iter().map(|(path, _)| path.clone()).collect())
}

fn put_link(
    draft: &mut Draft<'_>,
    name: &str,
    target: &str,
    removed: &GlobSet,
) -> Result<(), RootfsError> {
    let path = constant(&format!("{CERTS}/{name}"));
    let place =
        follow_parents(&draft.tree, &path).ok_or_else(|| RootfsError::Loop(path.clone()))?;
    if takes(removed, &path) || draft.tree.has(&place) {
        return Ok(());
    }
    let kind = Kind::Symlink { target: target.as_bytes().into() };
    draft.put(&path, Node { meta: groundup_tree::Meta::root_owned(0o777), kind }, STATE)
}

/// The bytes of the first certificate in a PEM file (RFC 7468).
fn pem(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let mut der = Vec::new();
    let (mut value, mut bits) = (0u32, 0);
    for byte in body.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        value = (value << 6) | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            der.push((value >> bits) as u8);
            value &= (1 << bits) - 1;
        }
    }
    Some(der)
}
