//! Images in registries side by side: with the user's credentials, and without layers that tell nothing.

use groundup_testkit::{OciImage, OciLayer, OciRegistry, Tar, TarEntry};
use groundup_tests::tiny::Tiny;
use std::path::Path;

/// `ann:secret`, as registries are told it.
const ANN: &str = "Basic YW5uOnNlY3JldA==";

fn layer(entries: &[TarEntry]) -> OciLayer {
    OciLayer::plain(Tar::of(entries))
}

/// Puts an image with a base and this text above it, and gives the digests of both layers.
fn put(registry: &OciRegistry, folder: &Path, tag: &str, text: &str) -> [String; 2] {
    let base = layer(&[TarEntry::file("etc/os-release", "ID=tiny\n", 0o644)]);
    let app = TarEntry::directory("app/", 0o755);
    let above = layer(&[app, TarEntry::file("app/version", text, 0o644)]);
    let digests = [&base, &above].map(|it| groundup_digest::Sha256::of(&it.stored).oci());
    OciImage::new(vec![base, above]).write_layout(folder, tag);
    registry.put_layout("team/app", folder, tag);
    digests
}

#[test]
fn images_in_registries_are_compared_and_equal_layers_not_fetched() {
    let tiny = Tiny::empty();
    let folder = tiny.workspace.folder().to_owned();
    let registry = OciRegistry::with_tokens(ANN);
    let [base, one] = put(&registry, &folder.join("one"), "1", "one\n");
    let [_, two] = put(&registry, &folder.join("two"), "2", "two\n");
    let host = registry.host();
    let [a, b, gone] = ["1", "2", "3"].map(|tag| format!("docker://{host}/team/app:{tag}"));

    let refused = tiny.run(&["diff", &a, &b]);
    refused.expect(3, &["cannot compare docker://", "access refused (status 401)", "docker login"]);
    // As `docker login` leaves them.
    let auth = ANN.trim_start_matches("Basic ");
    let docker = tiny.workspace.home().join(".docker");
    std::fs::create_dir_all(&docker).expect("a new folder");
    let config = format!("{{\"auths\":{{\"{host}\":{{\"auth\":\"{auth}\"}}}}}}");
    std::fs::write(docker.join("config.json"), config).expect("a new file");

    let report = tiny.differs(&["diff", &a, &b]);
    let row = &report["rows"][0];
    assert_eq!(row["places"][0]["path"][1], "app/version", "{report}");
    let seen = registry.seen();
    let asked = |digest: &str| seen.iter().any(|line| line.contains(digest));
    assert!(asked(&one) && asked(&two), "{seen:?}");
    assert!(!asked(&base), "the base tells nothing: {seen:?}");

    // Beside what is here.
    let here = folder.join("one");
    let same = tiny.answer(&["diff", &a, here.to_str().expect("plain")]);
    assert_eq!(
        (&same["verdict"], same["rows"].as_array().map(Vec::len)),
        (&"equal".into(), Some(0))
    );
    tiny.run(&["diff", &gone, &a])
        .expect(3, &["not found (status 404)", "no image of this name with this tag"]);
    let nobody = format!("docker://127.0.0.1:1/team/app@{}", one);
    tiny.run(&["diff", &nobody, &a]).expect(3, &["can this machine reach it"]);
    // Nobody asked for a store in this directory.
    assert!(!tiny.workspace.root().join("store").exists());
    tiny.run(&["diff", "docker://UPPER", &a]).expect(2, &["is not an image in a registry"]);
}
