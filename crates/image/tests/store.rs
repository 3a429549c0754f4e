//! The steps over a real store: an image on disk, and damage on the way out.

use groundup_image::{
    BaseParams, BaseSource, ImageParams, IndexParams, LayerParams, Platform, RunConfig,
    SplitParams, UnpackLimits, base_step, image_step, index_step, layer_step, split_step,
    write_oci_archive,
};
use groundup_store::{Access, Create, Executable, OpenOptions, Store};
use groundup_tree::{FileTree, Node, TreePath};

fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).expect("a valid path")
}

#[test]
fn an_image_goes_through_a_store_and_a_damaged_file_stops_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = OpenOptions { create: Create::IfMissing, access: Access::ReadWrite };
    let store = Store::open(&dir.path().join("store"), &options).unwrap();
    let mut tree = FileTree::new();
    let content = store.put_blob(b"hello\n").unwrap();
    let file = Node::file(content.blob, content.size, 0o644);
    tree.insert_with_parents(path("etc/motd"), file).unwrap();
    let id = store.put_tree(&tree).unwrap();

    let split = split_step(&store, id, None, None, &SplitParams { max: 4 }).unwrap();
    let layers: Vec<_> = split
        .layers
        .iter()
        .map(|(_, tree)| layer_step(&store, *tree, None, LayerParams::default()).unwrap())
        .collect();
    let platform = Platform::linux("amd64");
    let params = ImageParams {
        platform: platform.clone(),
        created: 0,
        run: RunConfig::default(),
        annotations: Default::default(),
    };
    let image = image_step(&store, &layers, Some(split.labels), None, &params).unwrap();
    let layout = index_step(&store, &[(platform.clone(), image)], &IndexParams::default()).unwrap();
    let mut archive = Vec::new();
    write_oci_archive(&store, layout, &mut archive).unwrap();
    let archive = store.put_blob(&archive).unwrap();
    let params = BaseParams { platform, digest: None };
    let back =
        base_step(&store, BaseSource::Archive(archive.blob), &params, UnpackLimits::default());
    assert_eq!(back.unwrap().tree, id);

    let damaged = store.blob_path(content.blob, Executable::No).unwrap();
    std::fs::write(damaged, b"hallo\n").unwrap();
    let (_, with_motd) = split.layers.iter().find(|(_, tree)| *tree == id).unwrap();
    let error = layer_step(&store, *with_motd, None, LayerParams::default()).unwrap_err();
    let mut causes = vec![];
    let mut next: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = next {
        causes.push(error.to_string());
        next = error.source();
    }
    assert!(causes.iter().any(|cause| cause.contains("/etc/motd")), "{causes:?}");
}
