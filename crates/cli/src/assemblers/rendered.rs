//! Kustomizations and charts: looked at before their tools run, and what the tools wrote.

use super::{Arguments, Outputs, cluster, out};
use groundup_build::{AssembleCall, AssembleError};
use groundup_cluster::{
    SourceFile,
    render::{Entry, Folder, Origin, Source, check_chart, check_kustomization, check_programs},
    yaml::Budget,
};
use groundup_digest::ObjectId;
use groundup_plan::params;
use groundup_store::Store;
use groundup_tree::{FileTree, Kind, TreePath};

/// Hands the tree of a kustomization on, once it is found good.
pub(super) fn kustomization(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    checked(call, "kustomization", &[&["/bin/sh"], &["kustomize", "kubectl"]], check_kustomization)
}

/// The same of a chart.
pub(super) fn chart(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    checked(call, "chart", &[&["helm"]], check_chart)
}

fn checked(
    call: &AssembleCall<'_>,
    noun: &str,
    programs: &[&[&str]],
    check: fn(&Folder<'_>, &Source) -> Result<(), groundup_cluster::render::RenderError>,
) -> Result<Outputs, AssembleError> {
    let params: params::ClusterSource = call.params()?;
    let id = call.tree("source")?;
    let (tree, root) = (call.store.load_tree(id)?, call.store.load_tree(call.tree("tool")?)?);
    let origin = if params.repository { Origin::Repository } else { Origin::Target };
    let source = Source { top: params.top, origin, path: params.path };
    check(&folder(call.store, &tree), &source)?;
    let what = format!("the {noun} of `{}`", source.top);
    check_programs(&folder(call.store, &root), &params.tool, &what, programs)?;
    Ok(out(ObjectId::Tree(id)))
}

/// A tree as the checks see it.
fn folder<'a>(store: &'a Store, tree: &'a FileTree) -> Folder<'a> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let entries = tree.iter().map(move |(path, node)| {
        let entry = match &node.kind {
            Kind::Directory => Entry::Directory,
            Kind::Symlink { target } => Entry::Link(text(target)),
            _ => Entry::File,
        };
        (text(path.as_bytes()), entry)
    });
    let most = Budget::default().bytes as u64;
    Folder::new(entries, move |path| {
        let node = tree.get(&TreePath::parse(path.as_bytes())?);
        match node.map(|node| &node.kind) {
            Some(Kind::File { size, .. }) if *size > most => {
                Err(format!("it has {size} bytes, more than the {most} that are read").into())
            }
            Some(Kind::File { blob, .. }) => Ok(store.read_blob(*blob)?),
            _ => Err("it is no regular file".into()),
        }
    })
}

/// What tools wrote: every file is taken, under the name of what was rendered.
pub(super) fn sources(
    call: &AssembleCall<'_>,
    titles: &[String],
) -> Result<Vec<SourceFile>, AssembleError> {
    let mut found = Vec::new();
    for (number, title) in titles.iter().enumerate() {
        let tree = call.store.load_tree(call.tree(&format!("rendered.{number:03}"))?)?;
        for (path, blob, _) in cluster::files(&tree) {
            let name = format!("{title}: {path}");
            let bytes = cluster::bounded(call, blob, &name)?;
            found.push(SourceFile { name, bytes });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::BlobId;
    use groundup_store::OpenOptions;
    use groundup_tree::Node;
    use std::error::Error;

    #[test]
    fn a_file_larger_than_any_that_is_understood_is_not_read() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(&place.path().join("store"), &OpenOptions::default()).unwrap();
        let said = |size| {
            // Its content is not there: to read it is another error.
            let file = Node::file(BlobId::of(b"large"), size, 0o644);
            let mut tree = FileTree::new();
            tree.insert(TreePath::parse(b"Chart.yaml").unwrap(), file).unwrap();
            let source = Source { top: "web".into(), origin: Origin::Target, path: ".".into() };
            let error = check_chart(&folder(&store, &tree), &source).unwrap_err();
            error.source().unwrap().to_string()
        };
        assert_eq!(
            said((8 << 20) + 1),
            "it has 8388609 bytes, more than the 8388608 that are read"
        );
        assert!(!said(8 << 20).contains("more than"));
    }
}
