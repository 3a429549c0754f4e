//! An OCI image layout as a tree: `oci-layout`, `index.json`, `blobs/sha256/…`.
//!
//! The files of a layout are blobs of the store, so making one copies nothing. Reading trusts
//! nothing: digest and size of every descriptor that is followed are compared with the content.

use crate::{
    Descriptor, ImageConfig, Index, JsonError, Manifest, Objects, Platform, canonical_json, media,
};
use groundup_digest::{Content, Sha256, TreeId};
use groundup_tree::{FileTree, Kind, Node, TreeError, TreePath};
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

/// The most bytes that a manifest, an index or a configuration may have.
const MAX_JSON: u64 = 8 << 20;
/// How deep indexes may stand in indexes.
const MAX_DEPTH: u32 = 4;

/// Why a layout cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The store failed.
    #[error("the store cannot give or take a part of the layout")]
    Store(#[from] io::Error),
    /// A file is not there.
    #[error("the layout has no file {0}")]
    Missing(TreePath),
    /// The version of the layout is another.
    #[error("the layout has the version {0:?}, expected \"1.0.0\"")]
    Version(String),
    /// A digest is no SHA-256.
    #[error("the descriptor has the digest {0:?}, expected `sha256:` and 64 hexadecimal digits")]
    Digest(String),
    /// A content is not what its descriptor says.
    #[error(
        "{digest} has {found} bytes and the digest {actual}, its descriptor says {expected} bytes"
    )]
    Mismatch {
        /// Which descriptor.
        digest: String,
        /// Its size.
        expected: u64,
        /// The size of the content.
        found: u64,
        /// The digest of the content.
        actual: String,
    },
    /// A JSON document is too large to be one.
    #[error("{path} has {size} bytes, over the limit of {MAX_JSON} for JSON")]
    JsonSize {
        /// Which file.
        path: TreePath,
        /// Its size.
        size: u64,
    },
    /// A JSON document is malformed.
    #[error("{path} is not the JSON that is expected there")]
    Json {
        /// Which file.
        path: TreePath,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// Indexes stand in indexes without end.
    #[error("indexes of the layout are nested more than {MAX_DEPTH} deep")]
    Depth,
    /// No image fits.
    #[error("the layout has no image for {wanted}; it has {offered:?}")]
    NoImage {
        /// The platform asked for, and the digest if one was.
        wanted: String,
        /// What there is.
        offered: Vec<String>,
    },
    /// More than one image fits.
    #[error("the layout has several images for {wanted}: name one by its digest: {found:?}")]
    Ambiguous {
        /// The platform asked for.
        wanted: String,
        /// Digests of those that fit.
        found: Vec<String>,
    },
    /// A document lists more than anybody can mean.
    #[error("{found} {what} are listed, over the limit of {limit}", limit = Layout::MOST)]
    TooMany {
        /// What is listed.
        what: &'static str,
        /// How many.
        found: usize,
    },
    /// The configuration does not list as many layers as the manifest.
    #[error("the manifest has {layers} layers, the configuration {diff_ids}")]
    LayerCount {
        /// In the manifest.
        layers: usize,
        /// In the configuration.
        diff_ids: usize,
    },
    /// A part cannot be written.
    #[error("cannot write the layout's JSON")]
    WriteJson(#[from] JsonError),
    /// The tree of the layout cannot be built.
    #[error("cannot put a file into the layout")]
    Tree(#[from] TreeError),
}

/// Which image of a layout is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The platform that it must run on.
    pub platform: Platform,
    /// The digest of its manifest, or of an index that it stands in.
    pub digest: Option<Sha256>,
}

/// A layout that is being read.
pub struct Layout<'a> {
    objects: &'a dyn Objects,
    tree: FileTree,
}

/// One image of a layout, every digest and size checked.
#[derive(Debug, Clone)]
pub struct LayoutImage {
    /// The manifest's descriptor, with the platform.
    pub descriptor: Descriptor,
    /// The manifest.
    pub manifest: Manifest,
    /// Its content.
    pub manifest_content: Content,
    /// The configuration.
    pub config: ImageConfig,
    /// Its content.
    pub config_content: Content,
    /// The layers, the lowest first.
    pub layers: Vec<LayoutLayer>,
}

/// One layer of an image of a layout.
#[derive(Debug, Clone)]
pub struct LayoutLayer {
    /// As the manifest has it.
    pub descriptor: Descriptor,
    /// The compressed content.
    pub content: Content,
    /// SHA-256 of the uncompressed bytes, as the configuration says; not checked yet.
    pub diff_id: Sha256,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct LayoutVersion {
    #[serde(rename = "imageLayoutVersion")]
    version: String,
}

impl<'a> Layout<'a> {
    /// The most layers of an image, and images of an archive: Docker makes 127 layers at most, and a list
    /// of 8 MiB has room for one layer fifty thousand times.
    pub const MOST: usize = 1000;

    /// Fails if more than [`Self::MOST`] are listed.
    pub fn check_count(what: &'static str, found: usize) -> Result<(), LayoutError> {
        if found > Self::MOST { Err(LayoutError::TooMany { what, found }) } else { Ok(()) }
    }

    /// Reads the layout that the tree `id` is.
    pub fn load(objects: &'a dyn Objects, id: TreeId) -> Result<Self, LayoutError> {
        Self::of_tree(objects, objects.load_tree(id)?)
    }

    /// Reads the layout that `tree` is.
    pub fn of_tree(objects: &'a dyn Objects, tree: FileTree) -> Result<Self, LayoutError> {
        let layout = Self { objects, tree };
        let version: LayoutVersion = layout.json(&file_path("oci-layout")).map(|found| found.0)?;
        if version.version != "1.0.0" {
            return Err(LayoutError::Version(version.version));
        }
        Ok(layout)
    }

    /// The layout's `index.json`.
    pub fn index(&self) -> Result<Index, LayoutError> {
        self.json(&file_path("index.json")).map(|found| found.0)
    }

    /// All manifests of the layout, those in nested indexes too, each with its platform if that is
    /// said.
    pub fn manifests(&self) -> Result<Vec<Descriptor>, LayoutError> {
        let mut found = Vec::new();
        self.collect(
            self.index()?.manifests,
            None,
            MAX_DEPTH,
            &mut Seen::new(),
            &mut |descriptor, _| found.push(descriptor),
        )?;
        Ok(found)
    }

    /// Gives each manifest with whether it is, or stands in, what `digest` names. An index that stands in
    /// several places is read once, and once more where it stands in what is named.
    fn collect(
        &self,
        descriptors: Vec<Descriptor>,
        digest: Option<&str>,
        depth: u32,
        seen: &mut Seen,
        found: &mut dyn FnMut(Descriptor, Named),
    ) -> Result<(), LayoutError> {
        let depth = depth.checked_sub(1).ok_or(LayoutError::Depth)?;
        for descriptor in descriptors {
            let named = digest.is_none_or(|digest| digest == descriptor.digest);
            match &*descriptor.media_type {
                media::INDEX | media::DOCKER_INDEX => {
                    if !seen.insert((descriptor.digest.clone(), named)) {
                        continue;
                    }
                    let (index, _): (Index, _) = self.described(&descriptor)?;
                    let digest = digest.filter(|_| !named);
                    self.collect(index.manifests, digest, depth, seen, found)?;
                }
                media::MANIFEST | media::DOCKER_MANIFEST => {
                    found(descriptor, if named { Named::Yes } else { Named::No });
                }
                // Other artifacts may stand in an index.
                _ => {}
            }
        }
        Ok(())
    }

    /// The one image that is meant.
    pub fn image(&self, selection: &Selection) -> Result<LayoutImage, LayoutError> {
        let digest = selection.digest.map(|digest| digest.oci());
        let mut candidates = BTreeMap::new();
        self.collect(
            self.index()?.manifests,
            digest.as_deref(),
            MAX_DEPTH,
            &mut Seen::new(),
            &mut |descriptor, named| {
                if named == Named::Yes {
                    candidates.insert(descriptor.digest.clone(), descriptor);
                }
            },
        )?;
        let (mut fitting, mut offered) = (Vec::new(), Vec::new());
        for mut descriptor in candidates.into_values() {
            let platform = match &descriptor.platform {
                Some(platform) => platform.clone(),
                None => self.config(&self.described::<Manifest>(&descriptor)?.0)?.0.platform,
            };
            offered.push(platform.to_string());
            if selection.platform.accepts(&platform) {
                descriptor.platform = Some(platform);
                fitting.push(descriptor);
            }
        }
        let wanted = match &digest {
            None => selection.platform.to_string(),
            Some(digest) => format!("{} in {digest}", selection.platform),
        };
        match (fitting.pop(), fitting.is_empty()) {
            (None, _) => Err(LayoutError::NoImage { wanted, offered }),
            (Some(descriptor), true) => self.open_image(descriptor),
            (Some(last), false) => {
                fitting.push(last);
                let found = fitting.into_iter().map(|descriptor| descriptor.digest).collect();
                Err(LayoutError::Ambiguous { wanted, found })
            }
        }
    }

    fn open_image(&self, descriptor: Descriptor) -> Result<LayoutImage, LayoutError> {
        let (manifest, manifest_content): (Manifest, _) = self.described(&descriptor)?;
        let (config, config_content) = self.config(&manifest)?;
        let diff_ids = &config.rootfs.diff_ids;
        if manifest.layers.len() != diff_ids.len() {
            let (layers, diff_ids) = (manifest.layers.len(), diff_ids.len());
            return Err(LayoutError::LayerCount { layers, diff_ids });
        }
        // A layer may be listed again, and is read through if it begins like a document.
        let mut known = BTreeMap::new();
        let layers = manifest.layers.iter().zip(diff_ids).map(|(descriptor, diff_id)| {
            let content = match known.get(&(&descriptor.digest, descriptor.size)) {
                Some(content) => *content,
                None => self.content(descriptor)?,
            };
            known.insert((&descriptor.digest, descriptor.size), content);
            Ok(LayoutLayer {
                descriptor: descriptor.clone(),
                content,
                diff_id: parse_digest(diff_id)?,
            })
        });
        let layers = layers.collect::<Result<_, LayoutError>>()?;
        Ok(LayoutImage { descriptor, manifest, manifest_content, config, config_content, layers })
    }

    /// The configuration of an image that has no more layers than one may have.
    fn config(&self, manifest: &Manifest) -> Result<(ImageConfig, Content), LayoutError> {
        Self::check_count("layers", manifest.layers.len())?;
        self.described(&manifest.config)
    }

    /// The content that a descriptor names, its digest and size checked.
    pub fn content(&self, descriptor: &Descriptor) -> Result<Content, LayoutError> {
        let sha256 = parse_digest(&descriptor.digest)?;
        let content = self.file(&blob_path(&sha256))?;
        if content.sha256 != sha256 || content.size != descriptor.size {
            return Err(LayoutError::Mismatch {
                digest: descriptor.digest.clone(),
                expected: descriptor.size,
                found: content.size,
                actual: content.sha256.oci(),
            });
        }
        Ok(content)
    }

    fn described<T: DeserializeOwned>(
        &self,
        descriptor: &Descriptor,
    ) -> Result<(T, Content), LayoutError> {
        self.content(descriptor)?;
        self.json(&blob_path(&parse_digest(&descriptor.digest)?))
    }

    fn file(&self, path: &TreePath) -> Result<Content, LayoutError> {
        match self.tree.get(path).map(|node| &node.kind) {
            Some(Kind::File { blob, .. }) => Ok(self.objects.content_of(*blob)?),
            _ => Err(LayoutError::Missing(path.clone())),
        }
    }

    fn json<T: DeserializeOwned>(&self, path: &TreePath) -> Result<(T, Content), LayoutError> {
        let content = self.file(path)?;
        let bytes = read_json_bytes(self.objects, path, &content)?;
        let json = |source| LayoutError::Json { path: path.clone(), source };
        Ok((serde_json::from_slice(&bytes).map_err(json)?, content))
    }
}

/// Digests of indexes that were read, and whether they are or stand in what is named.
type Seen = BTreeSet<(String, bool)>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Yes,
    No,
}

/// The bytes of a JSON document of bounded size.
pub(crate) fn read_json_bytes(
    objects: &dyn Objects,
    path: &TreePath,
    content: &Content,
) -> Result<Vec<u8>, LayoutError> {
    if content.size > MAX_JSON {
        return Err(LayoutError::JsonSize { path: path.clone(), size: content.size });
    }
    let mut bytes = Vec::new();
    objects.open_blob(content.blob)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn parse_digest(text: &str) -> Result<Sha256, LayoutError> {
    let hex = text.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
    hex.ok_or_else(|| LayoutError::Digest(text.into()))
}

pub(crate) fn file_path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).expect("invariant: file names of a layout are valid")
}

fn blob_path(sha256: &Sha256) -> TreePath {
    file_path(&format!("blobs/sha256/{sha256}"))
}

/// A layout that is being made.
#[derive(Default)]
pub(crate) struct LayoutWriter {
    tree: FileTree,
}

impl LayoutWriter {
    /// Takes a blob of the store into the layout.
    pub(crate) fn take(&mut self, content: &Content) -> Result<(), LayoutError> {
        let node = Node::file(content.blob, content.size, 0o644);
        Ok(self.tree.insert_with_parents(blob_path(&content.sha256), node)?)
    }

    /// Takes all blobs of another layout.
    pub(crate) fn take_all(&mut self, other: &FileTree) -> Result<(), LayoutError> {
        let blobs = other.iter().filter(|(path, node)| {
            matches!(node.kind, Kind::File { .. }) && path.is_within(&file_path("blobs/sha256"))
        });
        for (path, node) in blobs {
            self.tree.insert_with_parents(path.clone(), node.clone())?;
        }
        Ok(())
    }

    /// Writes JSON as a blob of the layout, and describes it.
    pub(crate) fn json<T: serde::Serialize>(
        &mut self,
        objects: &dyn Objects,
        media_type: &str,
        value: &T,
    ) -> Result<Descriptor, LayoutError> {
        let content = objects.put_blob(&canonical_json(value)?)?;
        self.take(&content)?;
        Ok(Descriptor::new(media_type, &content))
    }

    /// Ends the layout with its index.
    pub(crate) fn finish(
        mut self,
        objects: &dyn Objects,
        index: &Index,
    ) -> Result<TreeId, LayoutError> {
        let version = canonical_json(&LayoutVersion { version: "1.0.0".into() })?;
        for (name, bytes) in [("oci-layout", version), ("index.json", canonical_json(index)?)] {
            let content = objects.put_blob(&bytes)?;
            let node = Node::file(content.blob, content.size, 0o644);
            self.tree.insert(file_path(name), node)?;
        }
        Ok(objects.put_tree(&self.tree)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlobSink, objects::memory::Memory};
    use groundup_digest::BlobId;
    use std::cell::Cell;

    /// Counts how often contents are asked for what they are.
    #[derive(Default)]
    struct Counting {
        memory: Memory,
        asked: Cell<usize>,
    }

    impl Objects for Counting {
        fn open_blob(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
            self.memory.open_blob(id)
        }

        fn blob_writer(&self) -> io::Result<Box<dyn BlobSink + '_>> {
            self.memory.blob_writer()
        }

        fn content_of(&self, id: BlobId) -> io::Result<Content> {
            self.asked.set(self.asked.get() + 1);
            self.memory.content_of(id)
        }

        fn put_tree(&self, tree: &FileTree) -> io::Result<TreeId> {
            self.memory.put_tree(tree)
        }

        fn load_tree(&self, id: TreeId) -> io::Result<FileTree> {
            self.memory.load_tree(id)
        }
    }

    fn amd64() -> Selection {
        Selection { platform: Platform::linux("amd64"), digest: None }
    }

    /// Puts an image with one layer many times; its platform stands in its configuration alone.
    fn listed(objects: &Counting, writer: &mut LayoutWriter, times: usize) -> Descriptor {
        let layer = objects.put_blob(b"{ it begins like a document").unwrap();
        let ids = vec![layer.sha256.oci(); times];
        let config = serde_json::json!({
            "architecture": "amd64", "os": "linux", "config": {}, "history": [],
            "rootfs": {"type": "layers", "diff_ids": ids},
        });
        let config = objects.put_blob(config.to_string().as_bytes()).unwrap();
        writer.take(&layer).unwrap();
        writer.take(&config).unwrap();
        let layers = vec![Descriptor::new("x", &layer); times];
        let manifest =
            Manifest::new(Descriptor::new(media::CONFIG, &config), layers, BTreeMap::new());
        writer.json(objects, media::MANIFEST, &manifest).unwrap()
    }

    #[test]
    fn a_layer_that_is_listed_often_is_read_once() {
        let objects = Counting::default();
        let mut writer = LayoutWriter::default();
        let manifest = listed(&objects, &mut writer, 1000);
        let index = Index::new(vec![manifest], BTreeMap::new());
        let id = writer.finish(&objects, &index).unwrap();
        let image = Layout::load(&objects, id).unwrap().image(&amd64()).unwrap();
        assert_eq!(image.layers.len(), 1000);
        assert!(objects.asked.get() < 20, "{}", objects.asked.get());
    }

    #[test]
    fn more_layers_than_anybody_means_are_refused() {
        let objects = Counting::default();
        let mut writer = LayoutWriter::default();
        let manifest = listed(&objects, &mut writer, 1001);
        let index = Index::new(vec![manifest], BTreeMap::new());
        let id = writer.finish(&objects, &index).unwrap();
        let error = Layout::load(&objects, id).unwrap().image(&amd64()).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "1001 layers are listed, over the limit of 1000");
    }

    #[test]
    fn an_index_that_stands_in_many_places_is_read_once() {
        let objects = Counting::default();
        let mut writer = LayoutWriter::default();
        let mut inner = listed(&objects, &mut writer, 1);
        let (depth, times) = (2, 100);
        for _ in 0..depth {
            let index = Index::new(vec![inner; times], BTreeMap::new());
            inner = writer.json(&objects, media::INDEX, &index).unwrap();
        }
        let named = parse_digest(&inner.digest).unwrap();
        let index = Index::new(vec![inner; times], BTreeMap::new());
        let id = writer.finish(&objects, &index).unwrap();
        let layout = Layout::load(&objects, id).unwrap();
        assert_eq!(layout.image(&amd64()).unwrap().layers.len(), 1);
        let selection = Selection { digest: Some(named), ..amd64() };
        assert_eq!(layout.image(&selection).unwrap().layers.len(), 1);
        assert!(objects.asked.get() < 50, "{}", objects.asked.get());
    }
}
