//! The lock: text and values are one, staleness follows what resolution reads, and what moved.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use groundup_digest::{BlobId, Sha256};
use groundup_recipe::{
    At, Loaded, Lock, MemoryLoader, Platform, Source, Sources, TargetBody, Workspace, load,
    lock::{
        ArchivePin, FilePin, IndexKey, KeyringPin, PackageId, PackageOrigin, RootfsPin, SourcePin,
        StaleReason, request,
    },
};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn at<T>(value: T) -> At<T> {
    let mut sources = Sources::new();
    let file = sources.add("none", "");
    At::new(value, groundup_recipe::Span { file, start: 0, end: 0 })
}

fn parse(text: &str) -> Lock {
    let mut sources = Sources::new();
    Lock::parse(&mut sources, "groundup.lock", text).unwrap_or_else(|errors| {
        panic!(
            "{}\n{text}",
            groundup_recipe::render_all(&errors, &sources, groundup_recipe::ColorChoice::Plain)
        )
    })
}

fn file_pins() -> impl Strategy<Value = FilePin> {
    ("[ -~é\\\\\"]{1,20}", 0..u64::MAX / 2, any::<[u8; 32]>())
        .prop_map(|(path, size, digest)| FilePin { path, size, sha256: Sha256::from_bytes(digest) })
}

fn package_ids() -> impl Strategy<Value = PackageId> {
    ("[a-z][a-z0-9+.-]{1,6}", "[0-9][0-9a-z:.+~-]{0,6}", "(amd64|all|arm64)").prop_map(
        |(name, version, arch)| PackageId {
            name,
            version,
            arch,
            origin: PackageOrigin::Archive("debian".into()),
        },
    )
}

fn archive_pins() -> impl Strategy<Value = ArchivePin> {
    let keyring = prop_oneof![
        (file_pins(), "[ -~]{1,20}", prop::option::of("[a-z]{1,5}"))
            .prop_map(|(package, member, from)| (KeyringPin::Package { package, member }, from)),
        ("[ -~]{1,20}", any::<[u8; 32]>()).prop_map(|(file, digest)| {
            (KeyringPin::File { file, sha256: Sha256::from_bytes(digest) }, None)
        }),
    ];
    let indexes = prop::collection::btree_map(
        ("[a-z]{1,8}", "(amd64|source)").prop_map(|(component, arch)| IndexKey { component, arch }),
        file_pins(),
        0..4,
    );
    ("[ -~]{1,9}", prop::collection::vec("[a-z]{1,5}", 0..3), keyring, indexes, file_pins())
        .prop_map(|(suite, components, (keyring, keyring_archive), indexes, inrelease)| {
            ArchivePin {
                suite,
                components,
                date: "Sat, 11 Oct 2025 08:01:12 UTC".into(),
                verified: "2026-01-01T00:00:00Z".into(),
                signed_by: vec!["AB".repeat(20)],
                inrelease,
                keyring,
                keyring_archive,
                indexes,
            }
        })
}

fn source_pins() -> impl Strategy<Value = SourcePin> {
    let text = "[ -~\\n\\t]{0,12}";
    prop_oneof![
        (text, file_pins()).prop_map(|(url, file)| SourcePin::Url {
            url,
            size: file.size,
            sha256: file.sha256
        }),
        (text, text, text, text).prop_map(|(url, rev, commit, tree)| SourcePin::Git {
            url,
            rev,
            commit,
            tree
        }),
        (text, text, text, prop::collection::vec(file_pins(), 0..3)).prop_map(
            |(archive, package, version, files)| SourcePin::Dsc {
                archive,
                package,
                version,
                files
            }
        ),
        (text, text, text, text, file_pins()).prop_map(
            |(location, package, version, arch, file)| SourcePin::Deb {
                location,
                package,
                version,
                arch,
                size: file.size,
                sha256: file.sha256
            }
        ),
        (text, text, file_pins()).prop_map(|(location, media_type, file)| SourcePin::Oci {
            location,
            media_type,
            digest: file.sha256,
            size: file.size
        }),
    ]
}

fn locks() -> impl Strategy<Value = Lock> {
    let name = "[a-z0-9][a-z0-9-]{0,6}";
    let archives = prop::collection::btree_map(name, archive_pins().prop_map(at), 0..3);
    let packages = prop::collection::btree_map(package_ids(), file_pins().prop_map(at), 0..6);
    let sources = prop::collection::btree_map(name, source_pins().prop_map(at), 0..4);
    let names = prop::collection::btree_set(name, 0..3);
    let debian = archive_pins().prop_map(at);
    (archives, packages, sources, names, debian).prop_map(
        |(archives, packages, sources, names, debian)| {
            let ids: Vec<At<PackageId>> = packages.keys().cloned().map(at).collect();
            let pin = |name: &String| RootfsPin {
                request: BlobId::of(name.as_bytes()),
                packages: ids.clone(),
            };
            let rootfs = names
                .iter()
                .map(|name| ((name.clone(), Platform::LinuxArm64), at(pin(name))))
                .collect::<BTreeMap<_, _>>();
            let mut archives = archives;
            archives.insert("debian".into(), debian);
            Lock { archives, packages, rootfs, sources }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn writing_and_reading_round_trips(lock in locks()) {
        let text = lock.to_text();
        let back = parse(&text);
        prop_assert_eq!(&back, &lock);
        prop_assert_eq!(back.to_text(), text);
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "[\\[\\]a-z.=\"' ${}\\n0-9,]{0,80}") {
        let mut sources = Sources::new();
        let _ = Lock::parse(&mut sources, "groundup.lock", &format!("version = 1\n{text}"));
        let _ = load(&MemoryLoader::new([("groundup.toml", text)])).map_err(|e| e.to_string());
    }
}

const ROOT: &str = "[workspace]\nname = 'demo'\n[archive.debian]\nsuite = 'bookworm'\n";
const RECIPE: &str = "[rootfs.base]\npackages = ['gcc']\n
    [source.zlib]\nurl = 'https://mirror.invalid/zlib-1.tar.gz'\nstrip = 1\n";

fn workspace(root: &str, recipe: &str) -> Workspace {
    let files = [("groundup.toml", root), ("recipes/a.toml", recipe)];
    match load(&MemoryLoader::new(files)) {
        Ok(Loaded { workspace, .. }) => workspace,
        Err(failure) => panic!("{failure}"),
    }
}

fn package(name: &str, version: &str) -> PackageId {
    format!("{name} {version} amd64 debian").parse().unwrap()
}

/// A lock that fits `workspace(ROOT, RECIPE)`.
fn lock_with(versions: &[(&str, &str)]) -> Lock {
    let found = workspace(ROOT, RECIPE);
    let file = |path: &str| FilePin { path: path.into(), size: 1, sha256: Sha256::of(b"x") };
    let mut lock = Lock::default();
    let archive = ArchivePin {
        suite: "bookworm".into(),
        components: vec!["main".into()],
        date: "today".into(),
        verified: "2026-01-01T00:00:00Z".into(),
        signed_by: vec![],
        inrelease: file("dists/bookworm/InRelease"),
        keyring: KeyringPin::Package { package: file("pool/k.deb"), member: "k.gpg".into() },
        keyring_archive: None,
        indexes: BTreeMap::new(),
    };
    lock.archives.insert("debian".into(), at(archive));
    let ids: Vec<PackageId> = versions.iter().map(|(n, v)| package(n, v)).collect();
    lock.packages.extend(ids.iter().map(|id| (id.clone(), at(file("pool/p.deb")))));
    let TargetBody::Rootfs(rootfs) = &found.target(&"rootfs.base".parse().unwrap()).unwrap().body
    else {
        panic!("a rootfs")
    };
    let request = request(&found, rootfs, Platform::LinuxAmd64);
    let pin = RootfsPin { request, packages: ids.into_iter().map(at).collect() };
    lock.rootfs.insert(("base".into(), Platform::LinuxAmd64), at(pin));
    let url = "https://mirror.invalid/zlib-1.tar.gz".into();
    let zlib = SourcePin::Url { url, size: 1, sha256: Sha256::of(b"x") };
    lock.sources.insert("zlib".into(), at(zlib));
    lock
}

fn reasons(root: &str, recipe: &str) -> Vec<StaleReason> {
    let stale = lock_with(&[("gcc", "1")]).check(&workspace(root, recipe));
    stale.into_iter().map(|stale| stale.reason).collect()
}

#[test]
fn a_lock_that_fits_is_not_stale() {
    assert_eq!(reasons(ROOT, RECIPE), []);
}

#[test]
fn what_resolution_does_not_read_leaves_the_lock_fresh() {
    let more = RECIPE.replace(
        "packages = ['gcc']",
        "packages = ['gcc', 'gcc'] # twice\nfiles = [{ path = '/a', text = 'a' }]\nremove = ['/b']",
    );
    assert_eq!(reasons(ROOT, &more), []);
    let mirror = ROOT.replace("suite", "url = 'https://mirror.invalid'\nsuite");
    assert_eq!(reasons(&mirror, RECIPE), []);
    assert_eq!(reasons(ROOT, &RECIPE.replace("strip = 1", "strip = 2")), []);
}

#[test]
fn what_resolution_reads_makes_the_lock_stale() {
    for (old, new) in [
        ("['gcc']", "['gcc', 'make']"),
        ("['gcc']", "['gcc=12*']"),
        ("['gcc']", "['gcc']\nrecommends = true"),
        ("['gcc']", "['gcc']\nessential = true"),
        ("['gcc']", "['gcc']\nprefer = { gcc = 'debian' }"),
    ] {
        let found = reasons(ROOT, &RECIPE.replace(old, new));
        assert!(
            matches!(found.as_slice(), [StaleReason::RootfsChanged { .. }]),
            "{new}: {found:?}"
        );
    }
    let found = reasons(ROOT, &RECIPE.replace("['gcc']", "['gcc']\nplatforms = ['linux/arm64']"));
    assert!(matches!(
        found.as_slice(),
        [StaleReason::RootfsMissing { .. }, StaleReason::Unneeded(_)]
    ));
}

#[test]
fn an_edited_location_is_stale_although_the_digest_stands() {
    let digest = Sha256::of(b"x");
    let edited = RECIPE.replace("zlib-1.tar.gz'", &format!("zlib-2.tar.gz'\nsha256 = '{digest}'"));
    let found = reasons(ROOT, &edited);
    assert!(
        matches!(found.as_slice(), [StaleReason::SourceChanged { field: "url", .. }]),
        "{found:?}"
    );
}

#[test]
fn a_source_of_another_kind_is_stale() {
    let recipe =
        RECIPE.replace("url = 'https://mirror.invalid/zlib-1.tar.gz'\nstrip = 1", "git = 'x'");
    let found = workspace(ROOT, &recipe);
    let TargetBody::Source(Source::Git { .. }) =
        &found.target(&"source.zlib".parse().unwrap()).unwrap().body
    else {
        panic!("a git source")
    };
    assert!(matches!(
        reasons(ROOT, &recipe).as_slice(),
        [StaleReason::SourceChanged { field: "git", .. }]
    ));
}

#[test]
fn changes_name_packages_with_old_and_new_version() {
    let old = lock_with(&[("gcc", "1"), ("cpp", "1"), ("same", "1")]);
    let new = lock_with(&[("gcc", "2"), ("make", "4"), ("same", "1")]);
    let lines: Vec<String> = Lock::changes(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "rootfs.base linux/amd64: cpp removed 1",
            "rootfs.base linux/amd64: gcc 1 -> 2",
            "rootfs.base linux/amd64: make added 4",
        ]
    );
    assert_eq!(Lock::changes(&old, &old), []);
}

#[test]
fn a_lock_holds_one_package_a_line() {
    let text = lock_with(&[("gcc", "1"), ("cpp", "1")]).to_text();
    assert_eq!(text.lines().filter(|line| line.starts_with("  \"")).count(), 2);
    assert!(text.contains("\n  \"cpp 1 amd64 debian\",\n  \"gcc 1 amd64 debian\",\n]"), "{text}");
}

#[test]
fn inputs_are_every_file_from_outside_each_once() {
    let mut lock = lock_with(&[("gcc", "1")]);
    let what = |lock: &Lock| -> Vec<String> {
        lock.inputs(None).into_iter().map(|input| input.what).collect()
    };
    // The helper gives all files of the archive the same digest, and an input counts once.
    let digests = lock.inputs(None).len();
    assert_eq!(digests, what(&lock).len());
    let other = |path: &str| {
        let sha256 = Sha256::of(path.as_bytes());
        FilePin { path: path.into(), size: 1, sha256 }
    };
    let pin = &mut lock.archives.get_mut("debian").unwrap().value;
    pin.inrelease = other("dists/bookworm/InRelease");
    pin.keyring = KeyringPin::Package { package: other("pool/k.deb"), member: "k.gpg".into() };
    pin.indexes.insert("main amd64".parse().unwrap(), other("dists/bookworm/Packages"));
    for file in lock.packages.values_mut() {
        file.value = other("pool/p.deb");
    }
    let in_repository = SourcePin::Deb {
        location: "debs/own.deb".into(),
        package: "own".into(),
        version: "1".into(),
        arch: "all".into(),
        size: 1,
        sha256: Sha256::of(b"own"),
    };
    lock.sources.insert("own".into(), at(in_repository));
    let location = "docker://registry.invalid/a:1".to_owned();
    let (digest, media_type) = (Sha256::of(b"m"), "m".to_owned());
    let image = SourcePin::Oci { location, digest, size: 1, media_type };
    lock.sources.insert("image".into(), at(image));
    let (url, rev) = ("https://code.invalid/x".to_owned(), "main".to_owned());
    let (commit, tree) = ("1".repeat(40), "2".repeat(40));
    lock.sources.insert("code".into(), at(SourcePin::Git { url, rev, commit, tree }));
    assert_eq!(
        what(&lock),
        [
            "InRelease of the archive `debian`",
            "the keys of the archive `debian`",
            "the index `main amd64` of the archive `debian`",
            "package gcc 1 amd64",
            "source.code",
            "source.image",
            "source.zlib",
        ]
    );
}

#[test]
fn a_moved_pin_reaches_what_uses_it_and_another_state_of_an_archive_reaches_nothing() {
    let recipe = format!(
        "{RECIPE}\n[rootfs.other]\npackages = ['gcc']\n\
         [build.x]\nrootfs = 'rootfs.base'\nscript = 'x'\n[image.x]\ntrees = ['build.x']\n"
    );
    let workspace = workspace(ROOT, &recipe);
    let (old, new) = (lock_with(&[("gcc", "1")]), lock_with(&[("gcc", "2")]));
    let names = |set: std::collections::BTreeSet<groundup_recipe::TargetName>| -> Vec<String> {
        set.iter().map(ToString::to_string).collect()
    };
    assert_eq!(names(new.touched(&old)), ["rootfs.base"]);
    assert_eq!(names(workspace.reached(&new.touched(&old))), ["rootfs.base", "build.x", "image.x"]);
    let mut later = old.clone();
    later.archives.get_mut("debian").unwrap().value.date = "tomorrow".into();
    assert!(later.touched(&old).is_empty());
    for file in later.packages.values_mut() {
        file.value.sha256 = Sha256::of(b"the same version with other bytes");
    }
    assert_eq!(names(later.touched(&old)), ["rootfs.base"]);
}
