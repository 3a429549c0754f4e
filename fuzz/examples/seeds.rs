//! Writes the seeds of the corpus, made by the builders of the tests: `cargo run -p groundup-fuzz
//! --example seeds`. Inputs that a search found are not touched.
//!
//! The signed seeds are made with a key of this run, whose public half is written beside them.

#![allow(clippy::unwrap_used, reason = "a tool for the developers of the fuzz targets")]

use groundup_digest::{BlobId, ObjectId, RecordId, Sha256, StepKey, TreeId, Writer};
use groundup_fuzz::TARGETS;
use groundup_image::ImageConfig;
use groundup_provenance::{
    BuildRecord, Circumstances, Ending, Origins, Question, RecordedStep, RecordedTarget, StepRecord,
};
use groundup_store::fuzzing;
use groundup_testkit::{Archive, Deb, OciImage, OciLayer, SigningKey, Suite, Tar, TarEntry};
use groundup_tree::{FileTree, Node, Sink, TreePath, encode};
use std::{convert::Infallible, fs, path::Path};

fn main() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    for target in TARGETS {
        fs::create_dir_all(home.join("corpus").join(target.name)).unwrap();
    }
    let seeds = [text(home), debian(home), images(), own()].concat();
    for (place, bytes) in seeds {
        let (target, name) = place.split_once('/').unwrap();
        assert!(groundup_fuzz::target(target).is_some(), "{target}");
        fs::write(home.join("corpus").join(target).join(format!("seed-{name}")), bytes).unwrap();
    }
}

type Seeds = Vec<(String, Vec<u8>)>;

const CHANGELOG: &str = "1-1+b1\n1-2\ntiny (1-2) stable; urgency=low\n\n  * CVE-2025-1234: x\n\n \
                         -- A <a@x>  Sat, 01 Jan 2022 12:00:00 +0000\n\ntiny (1-1) stable; \
                         urgency=low\n\n  * First.\n";

fn seed(place: &str, bytes: impl AsRef<[u8]>) -> (String, Vec<u8>) {
    (place.to_owned(), bytes.as_ref().to_vec())
}

fn variant(place: &str, variant: u8, bytes: impl AsRef<[u8]>) -> (String, Vec<u8>) {
    (place.to_owned(), [&[variant], bytes.as_ref()].concat())
}

/// Recipes, locks and the words of settings.
fn text(home: &Path) -> Seeds {
    let root = home.parent().unwrap();
    let mut seeds = Vec::new();
    let cases = root.join("crates/recipe/tests/errors");
    #[allow(clippy::disallowed_methods, reason = "each file becomes a seed of its own name")]
    for case in fs::read_dir(cases).unwrap() {
        let path = case.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("=== messages").next().unwrap();
        seeds.push(seed(&format!("recipe/{name}"), text));
    }
    seeds.push(seed("recipe/whole", WORKSPACE));
    seeds.push(seed("lock/whole", LOCK));
    let words = [
        "image.web",
        "rootfs.base@linux/arm64",
        "source.x:out",
        "image.*",
        "linux/arm64/v8",
        "/etc/x",
        "libc6:arm64=1:2.36-9",
        "docker.io/library/debian:12",
        "libc6 2.36-9 amd64 debian",
        "main amd64",
    ];
    for (number, word) in words.iter().enumerate() {
        seeds.push(seed(&format!("words/{number}"), word));
    }
    seeds.push(seed("words/id", ObjectId::Blob(BlobId::of(b"x")).to_string()));
    seeds.push(seed("words/log", format!("{}.3", StepKey::of_encoded(b"x"))));
    seeds.push(seed("settings/whole", SETTINGS));
    seeds.push(seed("kconfig/tree", KCONFIG));
    seeds.push(seed("kconfig/macros", KCONFIG_MACROS));
    seeds.push(variant("facts/unit", 1, "[Service]\nExecStart=/bin/a \\\n b\nLimitNOFILE=\n"));
    seeds.push(variant("facts/sysctl", 2, "net.core.somaxconn = 4096\n-a/b.c=1\n; x\n"));
    seeds.push(variant("facts/module", 0, "\u{7f}ELF\u{2}\u{1}\u{1}"));
    let message = "\u{2}\0\0\0/build\0\u{2}\0\0\0\u{1}\0\0\0gcc\0-c\0A=b\0";
    seeds.push(variant("reuse/message", 0, message));
    seeds.push(variant(
        "reuse/reads",
        1,
        "\u{1}\0\0\0\u{1}\0\0\0\0\0\0\0\u{2}\0\0\0\0\0\0\0/a\0\0",
    ));
    let symbols =
        "#define CONFIG_A 1\n#if IS_ENABLED(CONFIG_##b) /* CONFIG_C */ CONFIG_D \\\n## x\n";
    seeds.push(variant("reuse/symbols", 2, symbols));
    seeds.push(variant(
        "reuse/header",
        2,
        "/* x */\n#define CONFIG_A 1\n#define CONFIG_B_MODULE 1\n",
    ));
    seeds.push(variant("kernel-config/fragment", 0, FRAGMENT));
    seeds.push(variant("kernel-config/resolved", 1, RESOLVED));
    seeds.push(seed("apt-sources/lines", APT_LINES));
    seeds.push(seed("apt-sources/stanzas", APT_STANZAS));
    let netrc = "machine mirror.invalid/debian login ann password s3#cret\n# x\ndefault login a password b\n";
    seeds.push(seed("credentials/netrc", netrc));
    let docker = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YW5uOnNlY3JldA=="},"r.invalid:5000":{"username":"a","password":"b"}},"credsStore":"x","credHelpers":{"g.invalid":"y"}}"#;
    seeds.push(seed("credentials/docker", docker));
    let digest = Sha256::of(b"x").oci();
    for (number, text) in [
        "https://ann:s%40cret@mirror.invalid/d?sig=abc\npool/main/g/g++_4%3a12+1~a.deb",
        "file:///srv/my%20mirror/\na+b",
        "/srv/debian\n../x",
        "docker://r.invalid:5000/a/b:c",
        &format!("r.invalid/a@{digest}"),
        "http://[::1]:8080/\nx",
    ]
    .iter()
    .enumerate()
    {
        seeds.push(seed(&format!("locations/{number}"), text));
    }
    let bearer = r#"Bearer realm="https://auth.invalid/token",service="r.invalid",scope="repository:a:pull""#;
    seeds.push(seed("headers/bearer", format!("{bearer}\nbytes 100-199/200\n../x?y#z")));
    seeds.push(seed("headers/basic", "basic realm=\"x\"\nbytes */7\nhttps://u:p@b.invalid/"));
    for (number, versions) in
        ["1.0~~a\n1.0\n1:0.1", "2.36-9+deb12u4\n2.36-9\n0:2.36-9", "1.001\n1.1-0\n1.1.", "~\n+\n-"]
            .iter()
            .enumerate()
    {
        seeds.push(seed(&format!("version/{number}"), versions));
    }
    seeds
}

fn package() -> Deb {
    Deb::new("tiny", "1:2-3", "all")
        .field("Depends", "libc6 (>= 2.36), a | b (<< 1:2) [amd64 !arm64], c:any")
        .field("Provides", "x (= 1), y")
        .control("conffiles", "/etc/tiny.conf\n")
        .control("postinst", "#!/bin/sh\n")
        .file("etc/tiny.conf", "x=1\n", 0o644)
        .file("usr/bin/tiny", "#!/bin/sh\n", 0o4755)
        .hard_link("usr/bin/tiny2", "usr/bin/tiny")
        .symlink("usr/bin/t", "tiny")
}

/// The entries of one archive with every kind that is read, and some that are not.
fn entries() -> Vec<TarEntry> {
    let long = format!("./d/{}", "n".repeat(150));
    vec![
        TarEntry::directory("./", 0o755),
        TarEntry::directory("./d/", 0o1777),
        TarEntry::file(&long, "content", 0o4755).owned(3, 5),
        TarEntry::hard_link("./hard", &long),
        TarEntry::symlink("./soft", "d/../hard"),
        TarEntry::char_device("./null", 1, 3, 0o666),
        TarEntry::fifo("./fifo", 0o600),
        TarEntry::file("./marked", "", 0o644).xattr("user.a", b"b"),
        TarEntry::file("./deep/er/file", "1\n", 0o600),
    ]
}

fn debian(home: &Path) -> Seeds {
    let mut seeds = vec![
        variant("deb/plain", 1, package().build()),
        variant("deb/gzip", 0, package().compression(GZIP).build()),
        variant("deb/empty", 1, Deb::new("e", "1", "all").build()),
        variant("debian-tar/kinds", 1, Tar::of(&entries())),
        variant("debian-tar/source", 5, Tar::of(&entries()[..4])),
        variant("debian-tar/gzip", 0x13, Tar::of(&entries()[4..])),
    ];
    for (name, entry) in hostile() {
        let tar = Tar::of(&[TarEntry::file("./a", "x", 0o644), entry]);
        seeds.push(variant(&format!("debian-tar/{name}"), 1, &tar));
        seeds.push(layered(&format!("layers/{name}"), &[&tar]));
    }
    let suite = Suite::new("seed").package(package());
    let archive = Archive { key: SigningKey::new(1), suites: vec![suite], indexes: vec![GZIP] };
    let folder = tempfile::tempdir().unwrap();
    archive.write(folder.path());
    let read = |path: &str| fs::read(folder.path().join(path)).unwrap();
    let signed = String::from_utf8(read("dists/seed/InRelease")).unwrap();
    fs::create_dir_all(home.join("keys")).unwrap();
    fs::write(home.join("keys/archive.gpg"), read("keyring.gpg")).unwrap();
    let other = SigningKey::new(2);
    let release = read("dists/seed/Release");
    let release_text = String::from_utf8(release.clone()).unwrap();
    seeds.push(seed("inrelease/good", &signed));
    seeds.push(seed("inrelease/changed", signed.replace("Origin: Test", "Origin: Toast")));
    seeds.push(seed("inrelease/other-key", other.clear_sign(&release_text)));
    seeds.push(seed("inrelease/text-outside", format!("x\n{signed}")));
    seeds.push(seed("inrelease/dashes", archive.key.clear_sign("- a\n--- b\n \nSuite: seed\n")));
    seeds.push(seed("keyring/binary", read("keyring.gpg")));
    seeds.push(seed("keyring/armoured", read("keyring.asc")));
    seeds.push(seed("release/plain", &release));
    let until = format!("Valid-Until: Sun, 02 Jan 2022 12:00:00 UTC\n{release_text}");
    seeds.push(seed("release/until", until));
    let gz = read("dists/seed/main/binary-amd64/Packages.gz");
    let plain = package().stanza("pool/main/t/tiny/tiny_2-3_all.deb");
    seeds.push(variant("index-file/gzip", 1, &gz));
    seeds.push(variant("index-file/plain", 0, &plain));
    seeds.push(variant("index-file/xz", 2, XZ));
    seeds.push(seed("packages/one", &plain));
    seeds.push(seed("packages/two", format!("{plain}\n{}", plain.replace("tiny", "small"))));
    seeds.push(seed("control/package", package().control_text()));
    seeds.push(seed(
        "control/odd",
        "\n\nA: one \nB:\n x\n  y\n\n# talk\nC:two\r\nDate: Sat, 01 Jan 2022 12:00:00 UTC\n",
    ));
    seeds.push(seed("changelog/two", CHANGELOG));
    seeds.push(seed("sources/one", SOURCES));
    seeds.push(seed("dsc/plain", DSC));
    seeds.push(seed("dsc/signed", archive.key.clear_sign(DSC)));
    seeds.push(seed("patch/change", PATCH));
    seeds.push(seed("patch/git", GIT_PATCH));
    seeds
}

/// Entries that no tree may take.
fn hostile() -> Vec<(&'static str, TarEntry)> {
    vec![
        ("dotdot", TarEntry::file("../x", "x", 0o644)),
        ("inner-dotdot", TarEntry::file("d/../../x", "x", 0o644)),
        ("absolute", TarEntry::file("/etc/x", "x", 0o644)),
        ("twice", TarEntry::file("./a", "y", 0o644)),
        ("link-out", TarEntry::hard_link("b", "../a")),
        ("link-to-none", TarEntry::hard_link("b", "none")),
        ("through-file", TarEntry::file("a/b", "x", 0o644)),
        ("sparse", TarEntry { flag: b'S', ..TarEntry::file("s", "x", 0o644) }),
        ("unknown", TarEntry { flag: b'Z', ..TarEntry::file("s", "x", 0o644) }),
        ("whiteout", TarEntry::file(".wh.a", "", 0o644)),
        ("opaque", TarEntry::file("d/.wh..wh..opq", "", 0o644)),
    ]
}

fn layered(place: &str, layers: &[&[u8]]) -> (String, Vec<u8>) {
    let mut bytes = vec![1];
    for layer in layers {
        bytes.extend(&(layer.len() as u32).to_le_bytes()[..3]);
        bytes.extend(*layer);
    }
    (place.to_owned(), bytes)
}

fn images() -> Seeds {
    let lower = Tar::of(&entries());
    let upper = Tar::of(&[
        TarEntry::file("d/.wh..wh..opq", "", 0o644),
        TarEntry::file("d/new", "n", 0o644),
        TarEntry::file(".wh.hard", "", 0o644),
        TarEntry::symlink("way", "../../d"),
        TarEntry::file("way/through", "t", 0o644),
        TarEntry::hard_link("linked", "d/new"),
    ]);
    let image = OciImage::new(vec![OciLayer::plain(lower.clone())]);
    let folder = tempfile::tempdir().unwrap();
    let digest = image.write_layout(folder.path(), "v1");
    let blob = |digest: &str| {
        let hex = digest.strip_prefix("sha256:").unwrap();
        fs::read(folder.path().join("blobs/sha256").join(hex)).unwrap()
    };
    let manifest = blob(&digest);
    let value: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let config = blob(value["config"]["digest"].as_str().unwrap());
    let index = fs::read(folder.path().join("index.json")).unwrap();
    assert!(serde_json::from_slice::<ImageConfig>(&config).is_ok());
    let mut tar = Tar::default();
    let files = ["oci-layout", "index.json"].map(str::to_owned).into_iter();
    let hex = |digest: &str| digest.replace("sha256:", "blobs/sha256/");
    let blobs = [&digest, value["config"]["digest"].as_str().unwrap()].map(hex);
    let layer = hex(value["layers"][0]["digest"].as_str().unwrap());
    for path in files.chain(blobs).chain([layer]) {
        tar.add(&TarEntry::file(&path, fs::read(folder.path().join(&path)).unwrap(), 0o644));
    }
    vec![
        layered("layers/two", &[&lower, &upper]),
        layered("layers/gzip", &[&(GZIP.compress)(&lower), &upper]),
        variant("image-archive/layout", 1, tar.finish()),
        variant("image-archive/written", 2, OCI_ARCHIVE),
        variant("image-archive/docker", 2, DOCKER_ARCHIVE),
        seed("oci-json/manifest", &manifest),
        seed("oci-json/config", &config),
        seed("oci-json/index", &index),
        seed("manifest/manifest", &manifest),
        seed("manifest/index", &index),
    ]
}

#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

impl Sink for Kept {
    type Error = Infallible;

    fn put_directory(
        &mut self,
        _: groundup_digest::DirId,
        bytes: Vec<u8>,
    ) -> Result<(), Infallible> {
        self.0.push(bytes);
        Ok(())
    }

    fn put_tree(&mut self, _: TreeId, bytes: Vec<u8>) -> Result<(), Infallible> {
        self.0.push(bytes);
        Ok(())
    }
}

fn parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u16).to_le_bytes());
        bytes.extend(part);
    }
    bytes
}

fn own() -> Seeds {
    let path = |text: &str| TreePath::new(text.as_bytes()).unwrap();
    let file = || Node::file(BlobId::of(b"x"), 1, 0o755);
    let mut tree = FileTree::new();
    for name in ["usr/bin/a", "usr/bin/b", "etc/c"] {
        tree.insert_with_parents(path(name), file()).unwrap();
    }
    tree.link(path("usr/bin/b"), &path("etc/c")).unwrap();
    tree.insert(path("soft"), Node::symlink("usr/bin/a")).unwrap();
    let mut kept = Kept::default();
    let Ok(encoded) = encode(&tree, &mut kept);
    let root = kept.0.last().unwrap();
    let id = ObjectId::Tree(encoded.id);
    let mut origins = Origins::new();
    origins.insert(path("usr/bin/a"), "deb:a");
    origins.insert(path("etc/c"), "build.c");
    let circumstances = Circumstances {
        builder: "0.1".into(),
        by: "a@b".into(),
        peak_memory: Some(1),
        enforcement: vec!["memory by cgroup".into()],
        ..Circumstances::default()
    };
    let outputs = vec![("out".to_owned(), id)];
    let key = StepKey::of_encoded(b"k");
    let mut question = Question::new();
    question.insert("argv[0]", "/bin/true");
    question.insert("env.LIMIT", "1024");
    let step = StepRecord {
        key,
        label: "image.x layer".into(),
        action: "run true".into(),
        inputs: vec![("rootfs".into(), id)],
        outputs: outputs.clone(),
        ending: Ending::Failed("exit code 1".into()),
        log: Some(2),
        children: Vec::new(),
        circumstances: circumstances.clone(),
    };
    let build = BuildRecord {
        workspace: "demo".into(),
        commit: Some("abc-dirty".into()),
        lock: Some(Sha256::of(b"lock")),
        targets: vec![RecordedTarget { name: "image.x".into(), outputs: outputs.clone() }],
        steps: vec![RecordedStep {
            label: "image.x index".into(),
            key,
            position: Some("recipes/x.toml:3".into()),
            inputs: vec![("a".into(), "file:x".into(), id)],
            outputs,
            question: Some(question.id()),
        }],
        circumstances,
    };
    let mut result = Writer::new();
    result.u64(7).digest(key.as_bytes()).seq([id], |writer, id| {
        writer.str("out");
        id.write(writer);
    });
    result.digest(RecordId::of_encoded(b"r").as_bytes());
    let mut hint = Writer::new();
    hint.str("image.x layer").u64(1200);
    let framed = [
        &[1][..],
        &parts([root.as_slice()]),
        &[255],
        &parts([&b"guj1 torn"[..]]),
        &[2],
        &parts([root.as_slice()]),
    ]
    .concat();
    let raw = [fuzzing::frame(2, result.as_bytes()), b"guj1".to_vec()].concat();
    let root_text = format!("groundup root 1\nname a\\\\\\nb\n{id}\nkey:{key}\n");
    let format = "groundup store\nversion = 1\nowner = 0\nsalt =\ncompatible =\nread-only-compatible =\nincompatible =\n";
    let mut encoding = Writer::new();
    encoding.u8(1).u16(2).u32(3).u64(4).str("ab").str("cd");
    id.write(&mut encoding);
    let orders = parts([&[0u8, 1, 2, 3, 4, 5, 6][..]]);
    vec![
        variant("tree/directory", 0, &kept.0[0]),
        variant("tree/root", 1, root),
        variant("tree/whole", 2, parts(kept.0.iter().map(Vec::as_slice))),
        seed(
            "tree-operations/some",
            [0, 2, 0, 1, 7, 0, 1, 2, 7, 3, 1, 2, 2, 0, 1, 5, 0, 6, 1, 3, 8, 4, 1, 2],
        ),
        seed("origins/two", origins.to_bytes()),
        variant("records/step", 0, step.to_bytes()),
        variant("records/build", 1, build.to_bytes()),
        variant("records/question", 2, question.to_bytes()),
        variant("journal/frames", 9, &framed),
        variant("journal/raw", 3, &raw),
        variant("journal/result", 7, [&[1], result.as_bytes()].concat()),
        variant("journal/hint", 4, [&[2], hint.as_bytes()].concat()),
        variant("store-files/root", 2, &root_text),
        variant("store-files/format", 0, format),
        variant(
            "store-files/stat-cache",
            1,
            [&b"groundup stat cache 1\n"[..], &1u64.to_le_bytes(), &[3; 82]].concat(),
        ),
        seed("encoding/values", [orders, encoding.finish()].concat()),
    ]
}

const GZIP: groundup_testkit::Compression =
    groundup_testkit::Compression { suffix: ".gz", compress: stored_gzip };

/// gzip without compression, so that a search can change what is inside.
fn stored_gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut chunks = bytes.chunks(65_535).peekable();
    while let Some(chunk) = chunks.next() {
        let length = chunk.len() as u16;
        out.push(u8::from(chunks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(chunk);
    }
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    out.extend((!crc).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

/// `xz` of the text `Package: x` and a newline.
const XZ: &[u8] = include_bytes!("packages.xz");

const KCONFIG: &str = include_str!("kconfig.txt");
const KCONFIG_MACROS: &str = "=== Kconfig\na = $(b,$(1),x)\nb = $(2)$(1)$(a)\nc := $(shell,$(a))\n\
                              c += 1\n$(warning-if,$(c),w)\nconfig A_$(SRCARCH)\n\tbool \"$(c)\"\n\
                              \tdefault $(a,y)\n";
const FRAGMENT: &str = "# of a node\r\n\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_D=-1\n\
                        CONFIG_E=0xfF\nCONFIG_F=\"a \\\"b\\\" \\\\\"\nCONFIG_A=y\n";
const RESOLVED: &str = "#\n# Automatically generated file; DO NOT EDIT.\n#\nCONFIG_A=34c\nCONFIG_B=\n\
                        CONFIG_C=007\n# end of x\nCONFIG_D=\"\"\n";
const WORKSPACE: &str = include_str!("workspace.txt");
const LOCK: &str = include_str!("lock.toml");

const SETTINGS: &str = r#"store = "/var/cache/groundup"
jobs = 8
offline = false
vendor = ["/srv/pins"]

[mirrors]
debian = ["https://mirror.invalid/debian", "/srv/mirror/debian"]

[network]
retries = 4
retry-wait = "500ms"
connect-timeout = "20s"
idle-timeout = "60s"
connections-per-host = 8
host-apt-sources = true
ca-files = ["/etc/ssl/example-authority.pem"]
insecure-registries = ["registry.invalid:5000"]

[proxy]
http = "http://proxy.invalid:3128"
https = "http://user:password@proxy.invalid:3128"
"#;

const APT_LINES: &str = "# talk\ndeb [arch=amd64,arm64 signed-by=/k/v.gpg] https://m.invalid/debian bookworm main contrib\n\
    deb-src http://m.invalid/debian/ bookworm main\ndeb cdrom:[x y]/ bookworm main\n";

const APT_STANZAS: &str = "Types: deb deb-src\nURIs: https://m.invalid/debian file:/srv/d\n\
    Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k/v.gpg\nEnabled: yes\n";

const SOURCES: &str = "Package: tiny\nBinary: tiny, tiny-doc\nVersion: 1:2-3\nDirectory: pool/main/t/tiny\n\
    Checksums-Sha256:\n 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae 3 tiny_2-3.dsc\n\
    \x20fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9 3 tiny_2.orig.tar.gz\n";

const DSC: &str = "Format: 3.0 (quilt)\nSource: tiny\nVersion: 1:2-3\nChecksums-Sha256:\n\
    \x20fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9 3 tiny_2.orig.tar.gz\n";

const PATCH: &str = "=== before\none\ntwo\nthree\n=== patch\nDescription: x\n--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n\\ No newline at end of file\n";

const GIT_PATCH: &str = "=== before\n=== patch\ndiff --git a/n b/n\nnew file mode 100755\n--- /dev/null\n+++ b/n\n@@ -0,0 +1,2 @@\n+a\n+b\n";

const OCI_ARCHIVE: &str = "=== oci-layout\n{\"imageLayoutVersion\":\"1.0.0\"}\n=== @c\n\
    {\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}\n=== @m\n\
    {\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:@c@\",\"size\":#c#},\"layers\":[]}\n=== index.json\n\
    {\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:@m@\",\"size\":#m#,\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}}]}\n";

const DOCKER_ARCHIVE: &str = "=== l/layer.tar\n\n=== c.json\n\
    {\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":[\"A=b\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:@l/layer.tar@\"]}}\n=== manifest.json\n\
    [{\"Config\":\"c.json\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"l/layer.tar\"]}]\n";
