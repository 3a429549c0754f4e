//! The steps one after another: trees to images, images as bases, archives and back.

use crate::{
    objects::memory::Memory,
    sample::{self, file, path},
    *,
};
use groundup_digest::{BlobId, Sha256, TreeId};
use groundup_provenance::Origins;
use groundup_tree::{FileTree, Kind, Node};
use std::collections::BTreeMap;

const CREATED: i64 = 315_619_200;

fn memory() -> Memory {
    let memory = Memory::default();
    sample::put_contents(&memory);
    memory
}

fn amd64() -> Platform {
    Platform::linux("amd64")
}

fn image_params(platform: Platform) -> ImageParams {
    let run = RunConfig { cmd: Some(vec!["/bin/sh".into()]), ..RunConfig::default() };
    ImageParams { platform, created: CREATED, run, annotations: BTreeMap::new() }
}

fn params(compression: Compression) -> LayerParams {
    LayerParams { compression, ..LayerParams::default() }
}

/// The whole way from a tree to an image of one platform.
fn image(
    memory: &Memory,
    tree: &FileTree,
    base: Option<&BaseImage>,
    layers: LayerParams,
) -> TreeId {
    let mut origins = Origins::new();
    origins.insert(path("usr/bin/ping"), "deb:iputils-ping");
    origins.insert(path("etc/passwd"), "state");
    let origins = memory.put_blob(&origins.to_bytes()).unwrap().blob;
    let tree = memory.put_tree(tree).unwrap();
    let base_tree = base.map(|base| base.tree);
    let split =
        split_step(memory, tree, Some(origins), base_tree, &SplitParams { max: 8 }).unwrap();
    let outputs = split.layers.iter().enumerate().map(|(index, (_, tree))| {
        let deletions = (index == 0).then_some(split.deletions);
        layer_step(memory, *tree, deletions, layers).unwrap()
    });
    let outputs: Vec<_> = outputs.collect();
    let layout = base.map(|base| base.layout);
    image_step(memory, &outputs, Some(split.labels), layout, &image_params(amd64())).unwrap()
}

fn import(memory: &Memory, source: BaseSource) -> Result<BaseImage, BaseError> {
    let params = BaseParams { platform: amd64(), digest: None };
    base_step(memory, source, &params, UnpackLimits::default())
}

fn read(memory: &Memory, layout: TreeId) -> LayoutImage {
    let selection = Selection { platform: amd64(), digest: None };
    Layout::load(memory, layout).unwrap().image(&selection).unwrap()
}

#[test]
fn a_tree_comes_back_from_its_image_with_every_compression() {
    let memory = memory();
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let layout = image(&memory, &sample::tree(), None, params(compression));
        let back = import(&memory, BaseSource::Layout(layout)).unwrap();
        assert_eq!(memory.load_tree(back.tree).unwrap(), sample::tree());
        assert!(back.ignored_xattrs.is_empty());
        let image = read(&memory, layout);
        assert_eq!(image.layers.len(), 3, "packages, files and state");
        assert!(image.layers.iter().all(|l| l.descriptor.media_type == compression.media_type()));
        let history = image.config.history.iter().map(|entry| entry.created_by.clone().unwrap());
        let expected = ["groundup: deb:iputils-ping", "groundup", "groundup: state"];
        assert_eq!(history.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_image_is_pinned() {
    let memory = memory();
    let digests = [Compression::Gzip, Compression::Zstd].map(|compression| {
        let layout = image(&memory, &sample::tree(), None, params(compression));
        read(&memory, layout).manifest_content.sha256.to_string()
    });
    let expected = [
        "f4b31d140d778117bcbb6b4741e15f797f8ca00b73c878ecd8b34943266bd6be",
        "b467b45346678b0d88c00db88e4ad7d139942a14c257bb5948b3fbd29590ac32",
    ];
    assert_eq!(digests, expected);
}

#[test]
fn over_a_base_its_layers_pass_untouched_and_the_difference_is_ours() {
    let memory = memory();
    let base = image(&memory, &sample::tree(), None, params(Compression::Zstd));
    let base = import(&memory, BaseSource::Layout(base)).unwrap();
    let mut tree = sample::tree();
    tree.remove(&path("dev"));
    tree.remove(&path("etc/motd"));
    tree.insert(path("bin"), Node::directory()).unwrap();
    tree.insert(path("bin/sh"), file("#!/bin/sh\n")).unwrap();
    tree.insert(path("usr/bin/ping6"), file("hello\n")).unwrap();
    let layout = image(&memory, &tree, Some(&base), params(Compression::Gzip));
    let (below, whole) = (read(&memory, base.layout), read(&memory, layout));
    for (ours, theirs) in whole.layers.iter().zip(&below.layers) {
        assert_eq!((ours.content, ours.diff_id), (theirs.content, theirs.diff_id));
    }
    assert!(whole.layers.len() > below.layers.len());
    assert_eq!(whole.config.history.len(), whole.layers.len());
    let back = import(&memory, BaseSource::Layout(layout)).unwrap();
    assert_eq!(memory.load_tree(back.tree).unwrap(), tree);
}

#[test]
fn nothing_changed_over_a_base_adds_no_layer() {
    let memory = memory();
    let base = image(&memory, &sample::tree(), None, params(Compression::Gzip));
    let base = import(&memory, BaseSource::Layout(base)).unwrap();
    let layout = image(&memory, &sample::tree(), Some(&base), params(Compression::Gzip));
    assert_eq!(read(&memory, layout).layers.len(), read(&memory, base.layout).layers.len());
}

fn index(memory: &Memory) -> TreeId {
    let one = image(memory, &sample::tree(), None, params(Compression::Zstd));
    let split = layer_step(
        memory,
        memory.put_tree(&FileTree::new()).unwrap(),
        None,
        LayerParams::default(),
    );
    let arm64 = Platform::linux("arm64");
    let other =
        image_step(memory, &[split.unwrap()], None, None, &image_params(arm64.clone())).unwrap();
    let params = IndexParams { tag: Some("latest".into()), annotations: BTreeMap::new() };
    index_step(memory, &[(arm64, other), (amd64(), one)], &params).unwrap()
}

#[test]
fn an_index_gives_each_platform_its_image() {
    let memory = memory();
    let layout = Layout::load(&memory, index(&memory)).unwrap();
    let top = layout.index().unwrap().manifests;
    assert_eq!(top.len(), 1);
    assert_eq!(top[0].annotations.as_ref().unwrap()[REF_NAME], "latest");
    assert_eq!(layout.manifests().unwrap().len(), 2);
    let pick = |platform: &str, digest| {
        layout.image(&Selection { platform: platform.parse().unwrap(), digest })
    };
    assert_eq!(pick("linux/arm64/v8", None).unwrap().layers.len(), 0);
    assert_eq!(pick("linux/amd64", None).unwrap().layers.len(), 3);
    assert!(
        matches!(pick("linux/s390x", None), Err(LayoutError::NoImage { offered, .. }) if offered.len() == 2)
    );
    let top: Sha256 = top[0].digest["sha256:".len()..].parse().unwrap();
    assert!(pick("linux/amd64", Some(top)).is_ok());
    assert!(pick("linux/amd64", Some(Sha256::of(b""))).is_err());
}

#[test]
fn archives_come_back_as_the_same_image() {
    let memory = memory();
    let layout = index(&memory);
    let mut oci = Vec::new();
    write_oci_archive(&memory, layout, &mut oci).unwrap();
    let oci = memory.put_blob(&oci).unwrap();
    let back = import(&memory, BaseSource::Archive(oci.blob)).unwrap();
    assert_eq!(memory.load_tree(back.tree).unwrap(), sample::tree());
    assert_eq!(read(&memory, back.layout).manifest_content, read(&memory, layout).manifest_content);

    let mut docker = Vec::new();
    let names = ["web:latest".to_owned()];
    write_docker_archive(&memory, layout, &amd64(), &names, &mut docker).unwrap();
    let docker = memory.put_blob(&docker).unwrap();
    let back = import(&memory, BaseSource::Archive(docker.blob)).unwrap();
    assert_eq!(memory.load_tree(back.tree).unwrap(), sample::tree());
    let image = read(&memory, back.layout);
    assert_eq!(image.config_content, read(&memory, layout).config_content);
    let gzip = Compression::Gzip.media_type();
    assert!(image.layers.iter().all(|layer| layer.descriptor.media_type == gzip));
    let expected = [
        "a60c5600e4898332b231b5cfdaf1a0c89a11da1ddd8f83e8a1335f48b84ce144",
        "b59147f7518252e2bb0eb5ca43d03b548cafeadf60c567f2b35a6211958be299",
    ];
    assert_eq!([oci, docker].map(|archive| archive.sha256.to_string()), expected);
}

#[test]
fn the_archive_of_a_platform_has_nothing_of_another() {
    let memory = memory();
    let one = image(&memory, &sample::tree(), None, params(Compression::Gzip));
    let archive = archive_step(&memory, one, &amd64(), "web:latest").unwrap();
    let params = IndexParams { tag: Some("web:latest".into()), annotations: BTreeMap::new() };
    let alone = index_step(&memory, &[(amd64(), one)], &params).unwrap();
    let mut written = Vec::new();
    write_oci_archive(&memory, alone, &mut written).unwrap();
    assert_eq!(memory.put_blob(&written).unwrap().blob, archive);
    let layout = import(&memory, BaseSource::Archive(archive)).unwrap().layout;
    assert_eq!(read(&memory, layout).manifest_content, read(&memory, one).manifest_content);

    let error = archive_step(&memory, one, &Platform::linux("arm64"), "web").unwrap_err();
    assert!(matches!(error, ArchiveError::Index(_)), "{error}");
}

/// A layout in which one file was replaced by other bytes.
fn replaced(memory: &Memory, layout: TreeId, name: &str, bytes: &[u8]) -> TreeId {
    let mut tree = memory.load_tree(layout).unwrap();
    let content = memory.put_blob(bytes).unwrap();
    tree.insert(path(name), Node::file(content.blob, content.size, 0o644)).unwrap();
    memory.put_tree(&tree).unwrap()
}

#[test]
fn a_blob_that_is_not_what_its_descriptor_says_is_named() {
    let memory = memory();
    let layout = image(&memory, &sample::tree(), None, params(Compression::Gzip));
    let image = read(&memory, layout);
    let parts = [image.manifest_content, image.config_content, image.layers[1].content];
    for part in parts {
        let name = format!("blobs/sha256/{}", part.sha256);
        let damaged = replaced(&memory, layout, &name, b"{}");
        let error = import(&memory, BaseSource::Layout(damaged)).unwrap_err();
        assert!(matches!(error, BaseError::Layout(LayoutError::Mismatch { .. })), "{error}");
        let mut tree = memory.load_tree(layout).unwrap();
        tree.remove(&path(&name));
        let lacking = memory.put_tree(&tree).unwrap();
        let error = import(&memory, BaseSource::Layout(lacking)).unwrap_err();
        assert!(matches!(error, BaseError::Layout(LayoutError::Missing(_))), "{error}");
    }
}

#[test]
fn hostile_documents_are_named_errors() {
    let memory = memory();
    let layout = image(&memory, &sample::tree(), None, params(Compression::Gzip));
    let error = |name: &str, bytes: &[u8]| match import(
        &memory,
        BaseSource::Layout(replaced(&memory, layout, name, bytes)),
    ) {
        Err(BaseError::Layout(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        error("oci-layout", b"{\"imageLayoutVersion\":\"2.0.0\"}"),
        LayoutError::Version(_)
    ));
    assert!(matches!(error("index.json", b"{"), LayoutError::Json { .. }));
    assert!(matches!(error("index.json", &[b'['; 9 << 20]), LayoutError::JsonSize { .. }));
    assert!(matches!(
        error("index.json", "[".repeat(1 << 20).as_bytes()),
        LayoutError::Json { .. }
    ));
    let manifest = |digest: &str| {
        let media_type = media::MANIFEST;
        format!(
            "{{\"schemaVersion\":2,\"manifests\":[{{\"mediaType\":\"{media_type}\",\"digest\":\"{digest}\",\"size\":1}}]}}"
        )
    };
    for digest in ["sha256:../../etc/passwd", "md5:00", "", "sha512:00"] {
        assert!(
            matches!(error("index.json", manifest(digest).as_bytes()), LayoutError::Digest(_)),
            "{digest}"
        );
    }
}

#[test]
fn a_layer_that_unpacks_to_other_bytes_than_the_configuration_says_is_named() {
    let memory = memory();
    let tree = memory.put_tree(&sample::tree()).unwrap();
    let made = layer_step(&memory, tree, None, LayerParams::default()).unwrap();
    let mut facts: serde_json::Value =
        serde_json::from_slice(&memory.bytes(made.facts).unwrap()).unwrap();
    facts["layer"]["diff_id"] = Sha256::of(b"other").to_string().into();
    let facts = memory.put_blob(&serde_json::to_vec(&facts).unwrap()).unwrap().blob;
    let outputs = [LayerOutput { layer: made.layer, facts }];
    let layout = image_step(&memory, &outputs, None, None, &image_params(amd64())).unwrap();
    let error = import(&memory, BaseSource::Layout(layout)).unwrap_err();
    assert!(matches!(error, BaseError::DiffId { .. }), "{error}");
}

#[test]
fn a_docker_archive_with_links_and_plain_layers_is_read() {
    let memory = memory();
    let layout = image(&memory, &sample::tree(), None, params(Compression::None));
    let image = read(&memory, layout);
    let mut files = FileTree::new();
    let mut put = |name: &str, blob: BlobId, size| {
        files.insert_with_parents(path(name), Node::file(blob, size, 0o644)).unwrap();
    };
    put("config.json", image.config_content.blob, image.config_content.size);
    let mut names = Vec::new();
    for (index, layer) in image.layers.iter().enumerate() {
        put(&format!("{index}/real.tar"), layer.content.blob, layer.content.size);
        names.push(format!("{index}/layer.tar"));
    }
    let manifest =
        serde_json::json!([{"Config": "config.json", "RepoTags": null, "Layers": names}]);
    let manifest = memory.put_blob(manifest.to_string().as_bytes()).unwrap();
    put("manifest.json", manifest.blob, manifest.size);
    for index in 0..image.layers.len() {
        files
            .insert(
                path(&format!("{index}/layer.tar")),
                Node::symlink(format!("../{index}/real.tar")),
            )
            .unwrap();
    }
    let archive = |files: &FileTree| {
        let mut bytes = Vec::new();
        write_tar(files, &[], RootEntry::Omit, |blob| memory.open_blob(blob), &mut bytes).unwrap();
        BaseSource::Archive(memory.put_blob(&bytes).unwrap().blob)
    };
    let back = import(&memory, archive(&files)).unwrap();
    assert_eq!(memory.load_tree(back.tree).unwrap(), sample::tree());
    files.remove(&path("0/real.tar"));
    assert!(matches!(import(&memory, archive(&files)), Err(BaseError::Missing(_))));
    files.remove(&path("manifest.json"));
    assert!(matches!(import(&memory, archive(&files)), Err(BaseError::NoImage)));
}

#[test]
fn an_empty_tree_makes_no_layer() {
    let memory = memory();
    let empty = memory.put_tree(&FileTree::new()).unwrap();
    let output = layer_step(&memory, empty, None, LayerParams::default()).unwrap();
    assert_eq!(memory.bytes(output.facts).unwrap(), b"{\"empty\":true}");
    let layout = image_step(&memory, &[output; 3], None, None, &image_params(amd64())).unwrap();
    assert!(read(&memory, layout).layers.is_empty());
}

#[test]
fn a_layout_holds_only_what_its_index_reaches() {
    let memory = memory();
    let layout = image(&memory, &sample::tree(), None, params(Compression::Gzip));
    let files = memory.load_tree(layout).unwrap();
    let files = files.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. })).count();
    // oci-layout, index.json, manifest, configuration, three layers.
    assert_eq!(files, 7);
}
