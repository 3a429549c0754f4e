//! Images that others packed: layers are laid over each other, read once or not at all, and nothing of
//! them is copied that can be read again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "one file is looked for, whatever the order")]

use flate2::{Compression, write::GzEncoder};
use groundup_diff::{
    DiffError, Found, NoCauses, NoLayers, Options, Platforms, Report, Subject, Verdict, World,
    compare, find_path, open_found,
};
use groundup_digest::Sha256;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// An entry of a layer: its path, its kind as tar has it, and its content or target.
type Entry<'a> = (&'a str, u8, &'a str);

const FILE: u8 = b'0';
const LINK: u8 = b'1';
const DIR: u8 = b'5';
const SYMLINK: u8 = b'2';
/// Records of pax for the entry after them.
const RECORDS: u8 = b'x';

fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, kind, text) in entries {
        let mut header = [0_u8; 512];
        let mut field = |at: usize, text: &str| {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        let content = if matches!(*kind, FILE | RECORDS) { text.as_bytes() } else { b"" };
        field(0, path);
        field(100, if *kind == DIR { "0000755" } else { "0000644" });
        field(108, "0000000");
        field(116, "0000000");
        field(124, &format!("{:011o}", content.len()));
        field(136, "00000000000");
        field(148, "        ");
        field(157, if matches!(*kind, LINK | SYMLINK) { text } else { "" });
        field(257, "ustar\x0000");
        header[156] = *kind;
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(content);
        out.resize(out.len().div_ceil(512) * 512, 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[derive(Clone, Copy, PartialEq)]
enum Packing {
    Plain,
    Gzip,
}

fn config(layers: &[Vec<u8>]) -> String {
    let ids: Vec<String> = layers.iter().map(|layer| Sha256::of(layer).oci()).collect();
    format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":{ids:?}}},"history":[]}}"#
    )
}

/// A layout with these layers, the lowest first.
fn layout(top: &Path, layers: &[Vec<u8>], packing: Packing) {
    let blobs = top.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8], kind: &str| {
        let digest = Sha256::of(bytes);
        fs::write(blobs.join(digest.to_string()), bytes).unwrap();
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{}","size":{}}}"#,
            digest.oci(),
            bytes.len()
        )
    };
    let described: Vec<String> = layers
        .iter()
        .map(|layer| match packing {
            Packing::Plain => put(layer, "layer.v1.tar"),
            Packing::Gzip => put(&gzip(layer), "layer.v1.tar+gzip"),
        })
        .collect();
    let config = put(config(layers).as_bytes(), "config.v1+json");
    let manifest =
        format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, described.join(","));
    let manifest = put(manifest.as_bytes(), "manifest.v1+json");
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{manifest}]}}"#);
    fs::write(top.join("index.json"), index).unwrap();
    fs::write(top.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

/// The archive that `docker save` writes.
fn saved(path: &Path, layers: &[Vec<u8>], packing: Packing) {
    let config = config(layers);
    let name = format!("{}.json", Sha256::of(config.as_bytes()));
    let names: Vec<String> =
        layers.iter().map(|layer| format!("{}/layer.tar", Sha256::of(layer))).collect();
    let manifest = format!(r#"[{{"Config":"{name}","RepoTags":["x:1"],"Layers":{names:?}}}]"#);
    let texts: Vec<String> =
        layers.iter().map(|layer| String::from_utf8(layer.clone()).unwrap()).collect();
    let mut entries: Vec<Entry<'_>> = vec![(&name, FILE, &config)];
    entries.extend(names.iter().zip(&texts).map(|(name, text)| (name.as_str(), FILE, &text[..])));
    entries.push(("manifest.json", FILE, &manifest));
    let bytes = tar(&entries);
    fs::write(path, if packing == Packing::Gzip { gzip(&bytes) } else { bytes }).unwrap();
}

struct Images {
    top: TempDir,
    a: PathBuf,
    b: PathBuf,
}

impl Images {
    fn new(a: &[Vec<u8>], b: &[Vec<u8>], packing: Packing) -> Self {
        let top = TempDir::new().unwrap();
        let images = Self { a: top.path().join("a"), b: top.path().join("b"), top };
        layout(&images.a, a, packing);
        layout(&images.b, b, packing);
        images
    }

    /// Puts other bytes in the place of a layer that both have.
    fn spoil(&self, layer: &[u8]) {
        let name = format!("blobs/sha256/{}", Sha256::of(layer));
        for side in [&self.a, &self.b] {
            fs::write(side.join(&name), vec![b'x'; layer.len()]).unwrap();
        }
    }

    fn opened(&self, world: &World<'_>) -> Result<Vec<Subject>, DiffError> {
        let platforms = Platforms { platform: "linux/amd64".parse().unwrap() };
        let find = |path: &Path| find_path(world, path, "x", &platforms);
        let found: Vec<Found> = vec![find(&self.a)?, find(&self.b)?];
        open_found(world, found, &NoLayers)
    }

    fn compared(&self, between: impl FnOnce(&Self)) -> Report {
        let world = World::new(None, self.top.path()).unwrap();
        let sides = self.opened(&world).unwrap();
        between(self);
        compare(&world, &sides[0], &sides[1], &NoCauses, &Options::default()).unwrap()
    }
}

/// What is told of each path below the root.
fn rows(report: &Report) -> Vec<String> {
    let rows = report.rows.iter().flat_map(|row| {
        let told = row.findings.iter().map(|it| {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            format!("{} {} -> {}", it.what, text(&it.before), text(&it.after))
        });
        let told = told.collect::<Vec<_>>().join("; ");
        let places = row.places.iter().filter(|place| place.path[0] == "root");
        places.map(move |place| format!("{}: {told}", place.path[1..].join(" > ")))
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows
}

fn base() -> Vec<u8> {
    tar(&[
        ("etc/", DIR, ""),
        ("etc/systemd/system/", DIR, ""),
        ("etc/systemd/system/a.service", FILE, "[Service]\nExecStart=/bin/a\nRestart=no\n"),
        ("usr/bin/tool", FILE, "tool\n"),
        ("srv/", DIR, ""),
        ("srv/one", FILE, "1\n"),
        ("srv/two", FILE, "2\n"),
    ])
}

#[test]
fn what_differs_is_told_whatever_the_layers_are_packed_by() {
    for packing in [Packing::Plain, Packing::Gzip] {
        let app = |text| tar(&[("app/", DIR, ""), ("app/x.txt", FILE, text)]);
        let [a, b] = ["one\n", "two\n"].map(|text| vec![base(), app(text)]);
        let report = Images::new(&a, &b, packing).compared(|_| {});
        assert_eq!(rows(&report).len(), 1, "{report:#?}");
        assert!(rows(&report)[0].starts_with("app/x.txt: "), "{:?}", rows(&report));
        // The layers are named in the documents, which differ by it.
        let root = &report.before.parts.iter().find(|part| part.0 == "root").unwrap().1;
        let ids: Vec<String> = a.iter().map(|layer| Sha256::of(layer).oci()).collect();
        assert_eq!(*root, Sha256::of(ids.join(" ").as_bytes()).oci(), "the ChainID of OCI");
        let same = Images::new(&a, &a, packing).compared(|_| {});
        assert_eq!((same.verdict, same.rows.len()), (Verdict::Equal, 0));
    }
}

#[test]
fn equal_layers_are_not_opened_where_the_others_tell_all() {
    for packing in [Packing::Plain, Packing::Gzip] {
        let app = |text| {
            let top = [("app/", DIR, ""), ("srv/", DIR, "")];
            tar(&[&top[..], &[("app/x.txt", FILE, text), ("srv/.wh.one", FILE, "")]].concat())
        };
        let [a, b] = ["one\n", "two\n"].map(|text| vec![base(), app(text)]);
        let images = Images::new(&a, &b, packing);
        images.spoil(&if packing == Packing::Gzip { gzip(&base()) } else { base() });
        let report = images.compared(|_| {});
        assert_eq!(rows(&report).len(), 1, "{report:#?}");
    }
}

#[test]
fn what_one_side_alone_touches_is_compared_with_what_is_below() {
    for packing in [Packing::Plain, Packing::Gzip] {
        let above = tar(&[
            ("srv/.wh.one", FILE, ""),
            ("srv/two", FILE, "2\n"),
            ("usr/bin/tool", FILE, "other\n"),
        ]);
        let report = Images::new(&[base()], &[base(), above], packing).compared(|_| {});
        let rows = rows(&report);
        assert_eq!(rows.len(), 2, "the same bytes again are no difference: {rows:?}");
        assert!(rows[0].starts_with("srv/one: file file, 2 bytes -> "), "{rows:?}");
        assert!(rows[1].starts_with("usr/bin/tool: ") && rows[1].contains("other"), "{rows:?}");
    }
}

#[test]
fn a_drop_in_is_told_by_the_unit_of_the_layer_below() {
    let above = |limit: &str| {
        let text = format!("[Service]\nLimitNOFILE={limit}\n");
        tar(&[("etc/systemd/system/a.service.d/limits.conf", FILE, &text)])
    };
    let [a, b] = ["1024", "infinity"].map(|limit| vec![base(), above(limit)]);
    let report = Images::new(&a, &b, Packing::Plain).compared(|_| {});
    let told = rows(&report).join("\n");
    assert!(told.contains("a.service [Service] LimitNOFILE 1024 -> infinity"), "{told}");
}

#[test]
fn links_into_lower_layers_and_opaque_directories_are_followed() {
    let above = |text| {
        tar(&[
            ("srv/three", LINK, "srv/one"),
            ("srv/.wh..wh..opq", FILE, ""),
            ("srv/four", FILE, text),
        ])
    };
    let [a, b] = ["1\n", "2\n"].map(above);
    let report = Images::new(&[base(), a], &[base(), b.clone()], Packing::Plain).compared(|_| {});
    assert_eq!(rows(&report).len(), 1, "{report:#?}");
    let report = Images::new(&[base()], &[base(), b], Packing::Plain).compared(|_| {});
    let rows = rows(&report);
    let paths: Vec<&str> = rows.iter().filter_map(|row| Some(row.split_once(':')?.0)).collect();
    assert_eq!(paths, ["srv/four", "srv/one", "srv/three", "srv/two"], "{rows:?}");
}

#[test]
fn where_an_entry_lands_by_a_link_below_is_looked_up() {
    let base = tar(&[("srv/", DIR, ""), ("srv/app/", DIR, ""), ("app", SYMLINK, "srv/app")]);
    // The directory takes the place of the link only after the file went through it.
    let top = tar(&[("app/", DIR, ""), ("app/x", FILE, "3\n")]);
    let [a, b] =
        ["1\n", "2\n"].map(|text| vec![base.clone(), tar(&[("app/x", FILE, text)]), top.clone()]);
    let told = rows(&Images::new(&a, &b, Packing::Plain).compared(|_| {}));
    assert!(told.len() == 1 && told[0].starts_with("srv/app/x: "), "{told:?}");
    let entries = [("app/", DIR, ""), ("app/x", FILE, "1\n")];
    let turned = [entries[1], entries[0]];
    let [a, b] = [entries, turned].map(|entries| vec![base.clone(), tar(&entries)]);
    let told = rows(&Images::new(&a, &b, Packing::Plain).compared(|_| {})).join("\n");
    assert!(told.contains("srv/app/x: "), "{told}");
}

#[test]
fn a_name_for_what_the_base_has_hides_what_was_there() {
    let base = tar(&[("app/", DIR, ""), ("app/a", FILE, "base\n")]);
    let top = tar(&[("app/", DIR, ""), ("app/b", LINK, "app/a")]);
    let [a, b] = ["1\n", "2\n"].map(|text| {
        vec![base.clone(), tar(&[("app/", DIR, ""), ("app/b", FILE, text)]), top.clone()]
    });
    let told = rows(&Images::new(&a, &b, Packing::Plain).compared(|_| {}));
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn a_manifest_is_told_with_the_objects_of_the_layer_below() {
    let base = tar(&[("m/", DIR, ""), ("m/service.yaml", FILE, SERVICE)]);
    let [a, b] = ["web", "wep"].map(|label| {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, labels: {{app: {label}}}}}\n\
             spec: {{containers: [{{name: web, image: web}}]}}\n"
        );
        vec![base.clone(), tar(&[("m/", DIR, ""), ("m/pod.yaml", FILE, &text)])]
    });
    let report = Images::new(&a, &b, Packing::Plain).compared(|_| {});
    let told = format!("{:?}", report.rows);
    assert!(told.contains("Sideways"), "{told}");
}

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n\
    spec: {selector: {app: web}, ports: [{port: 80}]}\n";

#[test]
fn attributes_that_no_tree_takes_are_told() {
    for packing in [Packing::Plain, Packing::Gzip] {
        let layer = |label: &str| {
            let record = format!("SCHILY.xattr.security.selinux={label}\n");
            let record = format!("{} {record}", record.len() + 3);
            let labelled = [("pax", RECORDS, &record[..]), ("x", FILE, "1\n")];
            vec![tar(if label.is_empty() { &labelled[1..] } else { &labelled })]
        };
        let told = |a: &str, b: &str| {
            let report = Images::new(&layer(a), &layer(b), packing).compared(|_| {});
            assert_eq!(report.verdict, Verdict::Different, "{report:?}");
            rows(&report)
        };
        assert_eq!(told("one_t", "two_t"), ["x: security.selinux one_t -> two_t"]);
        assert_eq!(told("", "two_t"), ["x: security.selinux  -> two_t"]);
        let same = Images::new(&layer("one_t"), &layer("one_t"), packing).compared(|_| {});
        assert_eq!(same.verdict, Verdict::Equal);
    }
}

/// The record of an attribute that no tree takes, for the entry after it.
fn labelled(value: &str) -> String {
    let record = format!("SCHILY.xattr.security.ima={value}\n");
    // The length counts its own two digits and the space.
    format!("{} {record}", record.len() + 3)
}

#[test]
fn attributes_are_told_by_where_their_entries_stand() {
    let [one, two] = ["11", "22"].map(labelled);
    let base = tar(&[
        ("usr/", DIR, ""),
        ("usr/lib/", DIR, ""),
        ("usr/lib/x", FILE, "0\n"),
        ("lib", SYMLINK, "usr/lib"),
    ]);
    let plain = [("lib/x", FILE, "1\n")];
    let above = |record: &str| tar(&[("pax", RECORDS, record), plain[0]]);
    let told = |a: &[Vec<u8>], b: &[Vec<u8>]| {
        rows(&Images::new(a, b, Packing::Plain).compared(|_| {})).join("\n")
    };
    // By a symbolic link of the layer below.
    let [a, b] = [&one, &two].map(|record| vec![base.clone(), above(record)]);
    assert_eq!(told(&a, &b), "usr/lib/x: security.ima 11 -> 22");
    // Replaced by that name, or deleted, nothing of it is left.
    let stale = |record: &str| {
        let text = [("pax", RECORDS, record), ("usr/lib/x", FILE, "1\n")];
        vec![base.clone(), tar(&text), tar(&plain)]
    };
    assert_eq!(told(&stale(&one), &stale(&two)), "");
    let gone = |record: &str| {
        let text = [("pax", RECORDS, record), ("srv/", DIR, ""), ("srv/x", FILE, "1\n")];
        vec![tar(&text), tar(&[(".wh.srv", FILE, ""), ("srv/x", FILE, "2\n")])]
    };
    assert_eq!(told(&gone(&one), &gone(&two)), "");
}

#[test]
fn names_of_one_inode_have_its_attributes() {
    let one = labelled("11");
    let linked = |record: &str, first, second| {
        vec![tar(&[("pax", RECORDS, record), (first, FILE, "1\n"), (second, LINK, first)])]
    };
    let told = |a: &[Vec<u8>], b: &[Vec<u8>]| {
        rows(&Images::new(a, b, Packing::Plain).compared(|_| {})).join("\n")
    };
    assert_eq!(told(&linked(&one, "x", "y"), &linked(&one, "y", "x")), "");
    let two = labelled("22");
    let rows = told(&linked(&one, "x", "y"), &linked(&two, "y", "x"));
    assert_eq!(rows, "x: security.ima 11 -> 22\ny: security.ima 11 -> 22");
}

#[test]
fn an_image_with_more_layers_than_anybody_means_is_refused() {
    let layer = tar(&[("x", FILE, "1\n")]);
    let mut layers = vec![layer.clone(); 1000];
    let single = std::slice::from_ref(&layer);
    let images = Images::new(&layers, single, Packing::Plain);
    assert!(rows(&images.compared(|_| {})).is_empty());
    layers.push(layer.clone());
    let images = Images::new(&layers, single, Packing::Plain);
    let file = images.top.path().join("saved");
    saved(&file, &layers, Packing::Plain);
    for a in [images.a.clone(), file] {
        let images = Images { top: TempDir::new().unwrap(), a, b: images.b.clone() };
        let world = World::new(None, images.top.path()).unwrap();
        let error = std::error::Error::source(&images.opened(&world).unwrap_err())
            .and_then(|it| it.source().map_or(Some(it.to_string()), |it| Some(it.to_string())));
        assert_eq!(error.unwrap(), "1001 layers are listed, over the limit of 1000");
    }
}

#[test]
fn long_contents_that_differ_are_unpacked_again() {
    let content = |end: &str| format!("{}{end}\n", "a line of a long file\n".repeat(120_000));
    let [a, b] = ["one", "two"].map(|end| {
        let (long, equal) = (content(end), content("same"));
        vec![tar(&[("first", FILE, &equal), ("long", FILE, &long), ("last", FILE, "x")])]
    });
    let report = Images::new(&a, &b, Packing::Gzip).compared(|_| {});
    let rows = rows(&report);
    assert!(rows.len() == 1 && rows[0].contains("one") && rows[0].contains("two"), "{rows:?}");
}

#[test]
fn archives_of_docker_are_read_like_layouts_also_compressed() {
    let app = |text| tar(&[("app/x.txt", FILE, text)]);
    let [a, b] = ["one\n", "two\n"].map(|text| vec![base(), app(text)]);
    let images = Images::new(&a, &b, Packing::Plain);
    for packing in [Packing::Plain, Packing::Gzip] {
        let file = images.top.path().join("saved");
        saved(&file, &b, packing);
        let against = |path: &Path| Images {
            top: TempDir::new().unwrap(),
            a: path.to_owned(),
            b: file.clone(),
        };
        assert!(rows(&against(&images.b).compared(|_| {})).is_empty());
        let report = against(&images.a).compared(|_| {});
        assert_eq!(report.after.kind, "image");
        assert!(rows(&report)[0].starts_with("app/x.txt: "), "{:?}", rows(&report));
    }
}

#[test]
fn a_layout_that_tar_packed_from_within_is_an_image_also_compressed() {
    let other = tar(&[("etc/", DIR, ""), ("etc/web.conf", FILE, "two\n")]);
    let images = Images::new(&[base()], &[base(), other], Packing::Plain);
    let told = rows(&images.compared(|_| {}));
    assert!(told.iter().any(|row| row.contains("etc/web.conf")), "{told:?}");
    for how in ["-cf", "-czf"] {
        let [a, b] = [&images.a, &images.b].map(|layout| {
            let file = layout.with_extension(how);
            let mut pack = std::process::Command::new("tar");
            let packed = pack.arg(how).arg(&file).arg("-C").arg(layout).arg(".").status();
            assert!(packed.unwrap().success());
            file
        });
        let packed = Images { top: TempDir::new().unwrap(), a, b };
        assert_eq!(rows(&packed.compared(|_| {})), told, "{how}");
    }
}

#[test]
fn another_archive_with_a_manifest_is_no_image() {
    let file = |text: &str, packing| {
        let manifest = r#"{"manifest_version":3,"name":"x"}"#;
        let bytes = tar(&[("manifest.json", FILE, manifest), ("background.js", FILE, text)]);
        if packing == Packing::Gzip { gzip(&bytes) } else { bytes }
    };
    for packing in [Packing::Plain, Packing::Gzip] {
        let top = TempDir::new().unwrap();
        let [a, b] = ["one();\n", "two();\n"].map(|text| {
            let path = top.path().join(&text[..3]);
            fs::write(&path, file(text, packing)).unwrap();
            path
        });
        let report = Images { top, a, b }.compared(|_| {});
        let places = report.rows.iter().flat_map(|row| &row.places);
        let told: Vec<String> = places.map(ToString::to_string).collect();
        assert!(told.iter().any(|place| place.ends_with("background.js")), "{told:?}");
    }
}

#[test]
fn what_a_configuration_says_of_a_layer_is_not_believed() {
    let layers = vec![tar(&[("x", FILE, "1\n")])];
    let top = TempDir::new().unwrap();
    let images = Images { a: top.path().join("a"), b: top.path().join("b"), top };
    saved(&images.a, &layers, Packing::Plain);
    let mut bytes = fs::read(&images.a).unwrap();
    let at = bytes.windows(3).position(|it| it == b"1\n\0").unwrap();
    bytes[at] = b'2';
    fs::write(&images.b, bytes).unwrap();
    let world = World::new(None, images.top.path()).unwrap();
    let error = images.opened(&world).unwrap_err().to_string();
    assert!(error.contains("sha256:"), "{error}");
}

#[test]
fn a_layer_with_other_bytes_than_its_digest_says_is_refused() {
    for packing in [Packing::Plain, Packing::Gzip] {
        let [a, b] = ["1", "2"].map(|text| vec![tar(&[("x", FILE, text)])]);
        let images = Images::new(&a, &b, packing);
        let pack = |layer: &[u8]| if packing == Packing::Gzip { gzip(layer) } else { layer.into() };
        let name = Sha256::of(&pack(&b[0]));
        let path = images.b.join(format!("blobs/sha256/{name}"));
        fs::write(path, pack(&tar(&[("x", FILE, "3")]))).unwrap();
        let world = World::new(None, images.top.path()).unwrap();
        let error = images.opened(&world).unwrap_err().to_string();
        assert!(error.contains(&name.to_string()), "{error}");
    }
}

#[test]
fn a_layer_that_changes_meanwhile_is_told_of() {
    for packing in [Packing::Plain, Packing::Gzip] {
        let long = |text: &str| text.repeat(2 << 20);
        let [a, b] = ["1", "2"].map(|text| vec![tar(&[("x", FILE, &long(text))])]);
        let report = Images::new(&a, &b, packing).compared(|images| {
            let blobs = fs::read_dir(images.b.join("blobs/sha256")).unwrap();
            let largest = blobs.map(Result::unwrap).max_by_key(|it| it.metadata().unwrap().len());
            let mut file = fs::OpenOptions::new();
            let mut file = file.append(true).open(largest.unwrap().path()).unwrap();
            file.write_all(b"more").unwrap();
        });
        let told = format!("{:?}", report.rows);
        assert!(told.contains("changed while it was read"), "{told}");
        assert_eq!(report.verdict, Verdict::Different);
    }
}

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn layer(&mut self) -> Vec<u8> {
        const PATHS: [&str; 12] = [
            "a",
            "a/b",
            "a/b/c",
            "a/.wh.b",
            "a/.wh..wh..opq",
            "d",
            "d/e",
            ".wh.d",
            ".wh.a",
            "f",
            "d/.wh.e",
            "a/g",
        ];
        let count = 1 + self.below(5);
        // Most tools write the directories on the way, some do not.
        let tops: &[Entry<'_>] = match self.below(3) {
            0 => &[],
            _ => &[("a/", DIR, ""), ("a/b/", DIR, ""), ("d/", DIR, "")],
        };
        let entries: Vec<Entry<'_>> = (0..count)
            .map(|_| {
                let path = PATHS[self.below(PATHS.len())];
                match self.below(6) {
                    _ if path.contains(".wh.") => (path, FILE, ""),
                    0 => (path, DIR, ""),
                    1 => (path, LINK, "f"),
                    2 => (path, SYMLINK, "d"),
                    number => (path, FILE, ["1\n", "2\n", "3\n"][number - 3]),
                }
            })
            .collect();
        tar(&[tops, &entries].concat())
    }
}

#[test]
fn what_is_left_unopened_changes_nothing_that_is_told() {
    let mut numbers = Numbers(1);
    let mut unopened = 0;
    for _ in 0..100 {
        let base: Vec<Vec<u8>> = (0..=numbers.below(2)).map(|_| numbers.layer()).collect();
        let above = numbers.layer();
        // The same layer with other contents, now and then another.
        let other = if numbers.below(3) == 0 { numbers.layer() } else { retold(&above) };
        // At times both have one more on top.
        let top: Vec<Vec<u8>> = (0..numbers.below(2)).map(|_| numbers.layer()).collect();
        let [a, b] = [above, other].map(|own| {
            let layers = base.iter().cloned().chain([own]).chain(top.iter().cloned());
            layers.collect::<Vec<_>>()
        });
        let images = Images::new(&a, &b, Packing::Plain);
        let together = images.compared(|_| {});
        // Each alone is read in full.
        let world = World::new(None, images.top.path()).unwrap();
        let platforms = Platforms { platform: "linux/amd64".parse().unwrap() };
        let [one, two] = [&images.a, &images.b]
            .map(|path| groundup_diff::open_path(&world, path, "x", &platforms).unwrap());
        let alone = compare(&world, &one, &two, &NoCauses, &Options::default()).unwrap();
        // An entry that stands nowhere is told where it was looked for.
        let told = |report: &Report| -> Vec<String> {
            let unread = |told: &&str| told.starts_with("before: ") || told.starts_with("after: ");
            let rows = rows(report).into_iter().filter_map(|row| {
                let (path, findings) = row.split_once(": ")?;
                let findings: Vec<&str> = findings.split("; ").filter(|it| !unread(it)).collect();
                (!findings.is_empty()).then(|| format!("{path}: {}", findings.join("; ")))
            });
            rows.collect()
        };
        assert_eq!(told(&together), told(&alone));
        for layer in &base {
            images.spoil(layer);
        }
        let world = World::new(None, images.top.path()).unwrap();
        unopened += usize::from(images.opened(&world).is_ok());
    }
    assert!(unopened > 10, "{unopened}");
}

/// A layer with other contents of files: `1` for `2` and the other way round.
fn retold(layer: &[u8]) -> Vec<u8> {
    let mut layer = layer.to_vec();
    let mut at = 0;
    while at + 512 <= layer.len() {
        let size = std::str::from_utf8(&layer[at + 124..at + 135]).ok();
        let size = size.and_then(|text| usize::from_str_radix(text, 8).ok()).unwrap_or(0);
        for byte in &mut layer[at + 512..at + 512 + size] {
            *byte = match *byte {
                b'1' => b'2',
                b'2' => b'1',
                other => other,
            };
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    layer
}
