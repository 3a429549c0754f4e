//! Things outside of the store, opened: directories, image layouts, archives, files.
//!
//! A directory with `oci-layout` is an image, and so is an archive of one (`docker save`, `skopeo`),
//! compressed or not: its layers are laid over each other by the rules of OCI, and what is compared is
//! the root, the configuration and the manifest. Any other file is compared as what its bytes say it is.
//!
//! Two images are opened together, as layers of both are read once at most ([`stack`]).

mod archive;
mod directory;
mod files;
mod image;
mod layer;
mod stack;

pub use files::{Layers, NoLayers};
pub use image::Image;

use crate::{
    DiffError, Part, Subject, World,
    world::{Held, OnDisk},
};
use directory::directory;
use files::Files;
use groundup_digest::TreeId;
use groundup_image::{BaseError, Layout, Platform, Selection};
use groundup_tree::TreePath;
use std::{path::Path, sync::Arc};

/// Which image of an index is compared.
#[derive(Debug, Clone)]
pub struct Platforms {
    /// The platform of the image.
    pub platform: Platform,
}

/// What stands at a path: an image whose layers were not read yet, or anything else.
pub enum Found {
    /// Something that was read.
    Subject(Subject),
    /// An image.
    Image(Box<Image>),
}

/// Opens what stands at a path.
pub fn open_path(
    world: &World<'_>,
    path: &Path,
    name: &str,
    platforms: &Platforms,
) -> Result<Subject, DiffError> {
    let found = find_path(world, path, name, platforms)?;
    let opened = open_found(world, vec![found], &NoLayers)?;
    opened.into_iter().next().ok_or_else(|| DiffError::Kind(path.to_owned()))
}

/// Reads the layers of what was found. Those that two images have in common are read once, or not at
/// all where that tells all that differs.
pub fn open_found(
    world: &World<'_>,
    found: Vec<Found>,
    layers: &dyn Layers,
) -> Result<Vec<Subject>, DiffError> {
    let images: Vec<&Image> = found
        .iter()
        .filter_map(|it| match it {
            Found::Image(image) => Some(image.as_ref()),
            Found::Subject(_) => None,
        })
        .collect();
    let mut opened = stack::open(world, &images, layers)?.into_iter();
    let subjects = found.into_iter().map(|it| match it {
        Found::Subject(subject) => Some(subject),
        Found::Image(_) => opened.next(),
    });
    Ok(subjects.flatten().collect())
}

/// Looks at what stands at a path.
pub fn find_path(
    world: &World<'_>,
    path: &Path,
    name: &str,
    platforms: &Platforms,
) -> Result<Found, DiffError> {
    let read = |source| DiffError::Read { path: path.to_owned(), source };
    let image = |files| {
        let image = Image::of_files(world, files, path, name, platforms)?;
        Ok(Found::Image(Box::new(image)))
    };
    let metadata = path.metadata().map_err(read)?;
    if metadata.is_dir() {
        if path.join("oci-layout").is_file() && path.join("index.json").is_file() {
            return image(Files::of_directory(world, path)?);
        }
        let tree = directory(world, path)?;
        let id = world.take_tree(&tree);
        return Ok(Found::Subject(Subject::whole(name, "directory", Part::Tree(id))));
    }
    if !metadata.is_file() {
        return Err(DiffError::Kind(path.to_owned()));
    }
    let (disk, file) = OnDisk::open_first(path).map_err(read)?;
    let held = Held::File(Arc::new(disk));
    if let Some(archive) = archive::of_image(world, held, &file).map_err(read)? {
        let bytes = world.open(&archive).map_err(read)?;
        return image(Files::of_archive(world, &archive, bytes.as_ref()).map_err(read)?);
    }
    let (blob, _) = world.take_file(path).map_err(read)?;
    Ok(Found::Subject(Subject::whole(name, "file", Part::Blob(blob))))
}

fn at(path: &str) -> TreePath {
    TreePath::new(path.as_bytes()).expect("a fixed name")
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
