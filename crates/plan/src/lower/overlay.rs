//! What rootfs and image share: trees, files, links and directories on top.

use super::{Lowering, input};
use crate::{
    Input, PlanError,
    leaf::file_label,
    params::{Directory, File, Overlay as OverlayParams, Tree},
};
use groundup_recipe::{FileContent, Overlay, Placement, Platform, TargetName};

impl Lowering<'_> {
    /// The parameters of an overlay, and the inputs that they speak of.
    pub(super) fn overlay(
        &mut self,
        user: &TargetName,
        trees: &[Placement],
        overlay: &Overlay,
        platform: Platform,
    ) -> Result<(OverlayParams, Vec<Input>), PlanError> {
        let mut inputs = Vec::new();
        let mut params = OverlayParams::default();
        for (number, placed) in trees.iter().enumerate() {
            let made = self.tree(user, &placed.from.value, platform, placed.from.span)?;
            inputs.push(input(format!("tree.{number:02}"), made.out));
            if let Some(origins) = made.origins {
                inputs.push(input(format!("origins.{number:02}"), origins));
            }
            params.trees.push(Tree {
                label: placed.from.value.to_string(),
                path: placed.path.to_string(),
                to: placed.to.to_string(),
            });
        }
        params.remove = overlay.remove.iter().map(|glob| glob.value.clone()).collect();
        for dir in &overlay.dirs {
            let (mode, uid, gid) = (dir.mode, dir.uid, dir.gid);
            params.dirs.push(Directory { path: dir.path.to_string(), mode, uid, gid });
        }
        for (number, file) in overlay.files.iter().enumerate() {
            let text = match &file.content {
                FileContent::Text(text) => Some(text.value.clone()),
                FileContent::Repo(path) => {
                    let leaf = self.leaf(file_label(path))?;
                    inputs.push(input(format!("file.{number:03}"), leaf));
                    None
                }
            };
            let (mode, uid, gid) = (file.mode, file.uid, file.gid);
            params.files.push(File { path: file.path.to_string(), text, mode, uid, gid });
        }
        for link in &overlay.links {
            params.links.push((link.path.to_string(), link.target.value.clone()));
        }
        Ok((params, inputs))
    }
}
