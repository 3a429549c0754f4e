//! The table of what an archive vouches for.

use super::VerifyError;
use groundup_debian::archive::{Archive, Compression, VerifiedRelease};
use groundup_digest::{BlobId, Sha256};
use groundup_recipe::lock::IndexKey;
use groundup_store::Store;
use rayon::prelude::*;

/// Where an index stands below the directory of the release file, without a compression's suffix.
pub(crate) fn index_path(key: &IndexKey) -> String {
    match key.arch.as_str() {
        "source" => format!("{}/source/Sources", key.component),
        arch => format!("{}/binary-{arch}/Packages", key.component),
    }
}

/// Verifies the release file by the keyring (all keys of which count) and the indexes by the
/// release file, and gives the table of all their rows.
pub fn index(
    store: &Store,
    keyring: BlobId,
    inrelease: BlobId,
    indexes: &[(IndexKey, BlobId)],
    suite: &str,
) -> Result<BlobId, VerifyError> {
    let (release, keys) = (store.read_blob(inrelease)?, store.read_blob(keyring)?);
    let verified = Archive::verify(&release, &keys, None)?;
    verified.release().check_suite(suite).map_err(VerifyError::Suite)?;
    let tables: Result<Vec<Vec<String>>, VerifyError> =
        indexes.par_iter().map(|(key, blob)| rows(store, &verified, key, *blob)).collect();
    let mut rows: Vec<String> = tables?.into_iter().flatten().collect();
    rows.par_sort_unstable();
    rows.dedup();
    Ok(store.put_blob(rows.concat().as_bytes())?.blob)
}

/// One row; fields with blanks would let one row stand for another.
pub(super) fn row(
    [package, version, arch, path]: [&str; 4],
    size: u64,
    sha256: Sha256,
) -> Result<String, String> {
    let blank = |text: &str| text.is_empty() || text.contains(|c: char| c.is_ascii_whitespace());
    if let Some(bad) = [package, version, arch, path].into_iter().find(|text| blank(text)) {
        return Err(bad.to_owned());
    }
    Ok(format!("{package}\t{version}\t{arch}\t{path}\t{size}\t{sha256}\n"))
}

fn rows(
    store: &Store,
    verified: &VerifiedRelease,
    key: &IndexKey,
    blob: BlobId,
) -> Result<Vec<String>, VerifyError> {
    let bytes = store.read_blob(blob)?;
    let (sha256, size) = (Sha256::of(&bytes), bytes.len() as u64);
    // The pin does not say how the index is compressed: its digest does.
    let forms = Compression::ALL.map(|form| format!("{}{}", index_path(key), form.suffix()));
    let listed = |path: &&String| {
        verified.release().file(path).is_some_and(|f| f.sha256 == sha256 && f.size == size)
    };
    let path = forms.iter().find(listed).ok_or_else(|| VerifyError::NotListed {
        key: key.clone(),
        sha256,
        size,
    })?;
    let bad_index = |source| VerifyError::Index { key: key.clone(), source };
    let bad_field = |field| VerifyError::Field { key: key.clone(), field };
    let index = verified.check_index(path, &bytes).map_err(bad_index)?;
    if key.arch == "source" {
        let sources = index.sources().map_err(bad_index)?;
        let packages = sources.names().flat_map(|name| sources.versions(name));
        let files = packages.flat_map(|package| {
            let row_of = |file: &groundup_debian::archive::SourceFile| {
                let fields = [&package.name, package.version.as_str(), "source", &file.path];
                row(fields, file.size, file.sha256).map_err(bad_field)
            };
            package.files.iter().map(row_of)
        });
        return files.collect();
    }
    let packages = index.packages().map_err(bad_index)?;
    let rows = packages.packages().map(|package| {
        let fields =
            [package.name(), package.version(), package.architecture(), package.filename()];
        row(fields, package.size(), package.sha256()).map_err(bad_field)
    });
    rows.collect()
}
