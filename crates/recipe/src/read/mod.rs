//! Checked tables to typed values. Nothing is judged here: what does not fit was refused before.

mod build;
mod cluster;
mod image;
mod kernel;
mod node;
mod overlay;
mod rendering;
mod rootfs;
mod source;
mod view;
mod workspace;

use crate::{At, Kind, Platform, Positions, Target, TargetBody, TargetName, node::Table};

pub(crate) use view::View;
pub(crate) use workspace::{Settings, archive, settings};

/// What targets take from the workspace where they say nothing.
pub(crate) struct Defaults {
    pub(crate) platforms: Vec<At<Platform>>,
    pub(crate) archives: Vec<At<String>>,
}

/// Reads a table that was checked against the spec of its kind.
pub(crate) fn target(name: At<TargetName>, table: &Table, defaults: &Defaults) -> Option<Target> {
    let view = View(table);
    let body = match name.kind() {
        Kind::Source => TargetBody::Source(source::read(view, defaults, name.span)?),
        Kind::Rootfs => TargetBody::Rootfs(rootfs::read(view, defaults)?),
        Kind::Build => TargetBody::Build(build::read(view)?),
        Kind::Kernel => TargetBody::Kernel(kernel::read(view, defaults)?),
        Kind::Node => TargetBody::Node(node::read(view, defaults)?),
        Kind::Image => TargetBody::Image(image::read(view, defaults)?),
        Kind::Cluster => TargetBody::Cluster(cluster::read(view)?),
    };
    let mut fields = Positions::default();
    table.iter().for_each(|(key, field)| fields.insert(key, field.key));
    Some(Target { name, fields, body })
}
