//! The overlay parameters of plans as the debian crate takes them.

use super::Arguments;
use groundup_build::{AssembleCall, AssembleError};
use groundup_debian::rootfs::{DirInput, FileInput, LinkInput, RootfsSpec, TreeInput};
use groundup_plan::params::Overlay;

/// Adds trees, removals, directories, files and links to a specification.
pub(super) fn add(
    spec: &mut RootfsSpec,
    overlay: Overlay,
    call: &AssembleCall<'_>,
) -> Result<(), AssembleError> {
    for (number, tree) in overlay.trees.into_iter().enumerate() {
        spec.trees.push(TreeInput {
            tree: call.tree(&format!("tree.{number:02}"))?,
            label: tree.label,
            from: tree.path,
            to: tree.to,
            origins: call.blob_if_there(&format!("origins.{number:02}")),
        });
    }
    spec.remove = overlay.remove;
    for dir in overlay.dirs {
        let (mode, uid, gid) = (dir.mode, dir.uid, dir.gid);
        spec.dirs.push(DirInput { path: dir.path, mode, uid, gid });
    }
    for (number, file) in overlay.files.into_iter().enumerate() {
        let content = match file.text {
            Some(text) => call.store.put_blob(text.as_bytes())?,
            None => call.store.content_of(call.blob(&format!("file.{number:03}"))?)?,
        };
        let (mode, uid, gid) = (file.mode, file.uid, file.gid);
        let (content, size) = (content.blob, content.size);
        let label = "files".to_owned();
        spec.files.push(FileInput { path: file.path, content, size, mode, uid, gid, label });
    }
    for (path, target) in overlay.links {
        spec.links.push(LinkInput { path, target, label: "files".to_owned() });
    }
    Ok(())
}
