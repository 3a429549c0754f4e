//! Which image an OCI image layout of the repository holds, read off its `index.json`.

use flate2::read::MultiGzDecoder;
use groundup_digest::{ParseHexError, Sha256};
use groundup_fetch::ImagePin;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek},
    path::{Path, PathBuf},
};

/// No `index.json` is larger.
const LARGEST_INDEX: u64 = 4 << 20;
const REF_NAME: &str = "org.opencontainers.image.ref.name";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// Why an image layout does not tell its image.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The archive is none of a layout.
    #[error("the archive has no `index.json`; `skopeo copy` to `oci-archive:` makes one that has")]
    NoIndex,
    /// The index is not what the specification says.
    #[error("its `index.json` is malformed")]
    Form(#[from] serde_json::Error),
    /// A digest is malformed.
    #[error("its `index.json` has the digest `{digest}`, which is no SHA-256")]
    Digest {
        /// The text.
        digest: String,
        /// What is wrong.
        #[source]
        source: Option<ParseHexError>,
    },
    /// There is no such tag.
    #[error("it has no tag `{tag}`{}", tags(found))]
    NoTag {
        /// The tag.
        tag: String,
        /// The tags that there are.
        found: Vec<String>,
    },
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// The image of a layout directory.
pub(crate) fn of_directory(path: &Path, tag: Option<&str>) -> Result<ImagePin, LayoutError> {
    let path = path.join("index.json");
    let failed = |source| LayoutError::Read { path: path.clone(), source };
    let mut bytes = Vec::new();
    let file = File::open(&path).map_err(failed)?;
    file.take(LARGEST_INDEX).read_to_end(&mut bytes).map_err(failed)?;
    image(&bytes, tag)
}

/// The image of a tar file of a layout, plain or gzip.
pub(crate) fn of_archive(path: &Path, tag: Option<&str>) -> Result<ImagePin, LayoutError> {
    let failed = |source| LayoutError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut magic = [0; 2];
    let known = file.read(&mut magic).map_err(failed)?;
    file.rewind().map_err(failed)?;
    let reader: Box<dyn Read> = match magic[..known] == [0x1f, 0x8b] {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.path_bytes();
        if name.strip_prefix(b"./").unwrap_or(&name) == b"index.json" {
            drop(name);
            let mut bytes = Vec::new();
            entry.take(LARGEST_INDEX).read_to_end(&mut bytes).map_err(failed)?;
            return image(&bytes, tag);
        }
    }
    Err(LayoutError::NoIndex)
}

/// The image with the tag, or the only one; of several without a tag it is the index itself.
fn image(index: &[u8], tag: Option<&str>) -> Result<ImagePin, LayoutError> {
    let Index { manifests } = serde_json::from_slice(index)?;
    let found = match (tag, manifests.as_slice()) {
        (None, [only]) => only,
        (None, _) => {
            let (digest, size) = (Sha256::of(index), index.len() as u64);
            return Ok(ImagePin { digest, size, media_type: INDEX_TYPE.to_owned() });
        }
        (Some(tag), all) => {
            let tagged =
                |one: &&Descriptor| one.annotations.get(REF_NAME).is_some_and(|t| t == tag);
            all.iter().find(tagged).ok_or_else(|| LayoutError::NoTag {
                tag: tag.to_owned(),
                found: all
                    .iter()
                    .filter_map(|one| one.annotations.get(REF_NAME).cloned())
                    .collect(),
            })?
        }
    };
    let bad = |source| LayoutError::Digest { digest: found.digest.clone(), source };
    let hex = found.digest.strip_prefix("sha256:").ok_or_else(|| bad(None))?;
    let digest = hex.parse().map_err(|error| bad(Some(error)))?;
    Ok(ImagePin { digest, size: found.size, media_type: found.media_type.clone() })
}

fn tags(found: &[String]) -> String {
    if found.is_empty() { String::new() } else { format!("; it has {}", found.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(manifests: &[(&str, char)]) -> Vec<u8> {
        let entries: Vec<String> = manifests
            .iter()
            .map(|(tag, digit)| {
                let digest = digit.to_string().repeat(64);
                format!(
                    r#"{{"mediaType":"m","digest":"sha256:{digest}","size":3,"annotations":{{"{REF_NAME}":"{tag}"}}}}"#
                )
            })
            .collect();
        format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(",")).into_bytes()
    }

    #[test]
    fn a_tag_names_its_image_and_a_single_image_needs_none() {
        let two = index(&[("a", '1'), ("b", '2')]);
        let digest = |digit: &str| digit.repeat(64).parse::<Sha256>().unwrap();
        assert_eq!(image(&two, Some("b")).unwrap().digest, digest("2"));
        assert_eq!(image(&two, None).unwrap().digest, Sha256::of(&two));
        assert_eq!(image(&index(&[("a", '1')]), None).unwrap().digest, digest("1"));
        let LayoutError::NoTag { found, .. } = image(&two, Some("c")).unwrap_err() else {
            panic!("there is no such tag")
        };
        assert_eq!(found, ["a", "b"]);
    }
}
