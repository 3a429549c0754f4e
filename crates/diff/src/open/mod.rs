//! Things outside of the store, opened: directories, image layouts, archives, files.
//!
//! A directory with `oci-layout` is an image, and so is an archive of one (`docker save`, `skopeo`):
//! its layers are laid over each other by the rules of OCI, and what is compared is the root, the
//! configuration and the manifest. Any other file is compared as what its bytes say it is.

mod directory;

use crate::{DiffError, Part, Subject, World};
use directory::directory;
use groundup_digest::TreeId;
use groundup_image::UnpackLimits;
use groundup_image::{BaseError, BaseParams, BaseSource, Layout, Platform, Selection, base_step};
use groundup_tree::TreePath;
use std::{io::Read, path::Path};

/// Which image of an index is compared.
#[derive(Debug, Clone)]
pub struct Platforms {
    /// The platform of the image.
    pub platform: Platform,
}

/// Opens what stands at a path.
pub fn open_path(
    world: &World<'_>,
    path: &Path,
    name: &str,
    platforms: &Platforms,
) -> Result<Subject, DiffError> {
    let read = |source| DiffError::Read { path: path.to_owned(), source };
    let metadata = path.metadata().map_err(read)?;
    if metadata.is_dir() {
        let tree = directory(world, path)?;
        if tree.has(&at("oci-layout")) && tree.has(&at("index.json")) {
            let source = BaseSource::Layout(world.take_tree(&tree));
            return image(world, path, name, source, platforms);
        }
        let id = world.take_tree(&tree);
        return Ok(Subject::whole(name, "directory", Part::Tree(id)));
    }
    if !metadata.is_file() {
        return Err(DiffError::Kind(path.to_owned()));
    }
    let (blob, _) = world.take_file(path).map_err(read)?;
    if is_image_archive(path)? {
        return image(world, path, name, BaseSource::Archive(blob), platforms);
    }
    Ok(Subject::whole(name, "file", Part::Blob(blob)))
}

fn at(path: &str) -> TreePath {
    TreePath::new(path.as_bytes()).expect("a fixed name")
}

/// Whether a file is a tar archive whose first names are those of an image.
fn is_image_archive(path: &Path) -> Result<bool, DiffError> {
    let read = |source| DiffError::Read { path: path.to_owned(), source };
    let mut start = vec![0; 262];
    let mut file = std::fs::File::open(path).map_err(read)?;
    let mut filled = 0;
    while filled < start.len() {
        match file.read(&mut start[filled..]).map_err(read)? {
            0 => return Ok(false),
            count => filled += count,
        }
    }
    if &start[257..262] != b"ustar" {
        return Ok(false);
    }
    let mut names = Names::default();
    let limits = groundup_unfold::Limits::default();
    // One that is damaged is no image; it is told of when it is compared.
    let _ = groundup_unfold::recognise(&file)
        .map(|format| groundup_unfold::unfold(format, &file, &limits, &mut names));
    Ok(names.image)
}

/// Looks for the names of an image and stops at the first.
#[derive(Default)]
struct Names {
    image: bool,
}

impl groundup_unfold::Sink for Names {
    fn entry(
        &mut self,
        entry: &groundup_unfold::Entry,
        _content: &mut dyn Read,
    ) -> std::io::Result<()> {
        if matches!(&entry.path[..], b"oci-layout" | b"manifest.json") {
            self.image = true;
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }

    fn unread(&mut self, _path: &[u8], _why: &str) {}
}

/// An image as its root, its configuration and its manifest.
fn image(
    world: &World<'_>,
    path: &Path,
    name: &str,
    source: BaseSource,
    platforms: &Platforms,
) -> Result<Subject, DiffError> {
    let failed = |source| DiffError::Image { path: path.to_owned(), source: Box::new(source) };
    let params = BaseParams { platform: platforms.platform.clone(), digest: None };
    let base = base_step(world, source, &params, UnpackLimits::default()).map_err(failed)?;
    let parts = documents(world, base.layout, &platforms.platform).map_err(failed)?;
    let root = ("root".to_owned(), Part::Tree(base.tree));
    Ok(Subject::of_parts(name, "image", parts.into_iter().chain([root])))
}

/// Configuration and manifest of an image of ours, whose layout is in the store.
pub fn image_documents(
    world: &World<'_>,
    layout: TreeId,
    platforms: &Platforms,
) -> Result<Vec<(String, Part)>, DiffError> {
    documents(world, layout, &platforms.platform).map_err(|source| DiffError::Image {
        path: format!("the layout {layout}").into(),
        source: Box::new(source),
    })
}

/// Configuration and manifest of the image that a layout is for a platform.
fn documents(
    world: &World<'_>,
    layout: TreeId,
    platform: &Platform,
) -> Result<Vec<(String, Part)>, BaseError> {
    let selection = Selection { platform: platform.clone(), digest: None };
    let image = Layout::load(world, layout)?.image(&selection)?;
    Ok(vec![
        ("config.json".to_owned(), Part::Blob(image.config_content.blob)),
        ("manifest.json".to_owned(), Part::Blob(image.manifest_content.blob)),
    ])
}
