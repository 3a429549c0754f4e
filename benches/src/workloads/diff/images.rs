//! Two layouts that others wrote, of a large root of which a few files differ: in one layer each, plain and
//! with gzip, and in a small layer above a base that both have.

use super::{differs, edit, filled};
use crate::{
    bench::{Bench, Contender, Ready, once},
    error::{BenchError, Result, Tried},
    record::{Mark, Outcome},
};
use groundup_digest::{Sha256, Sha256Hasher};
use serde_json::{Value, json};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

const MEMORY: u64 = 256 << 20;
const VERSIONS: [&str; 2] = ["1", "2"];

/// A layer: its file, its digest, and that of what it unpacks to.
struct Layer {
    file: PathBuf,
    digest: Sha256,
    diff_id: Sha256,
}

pub(in crate::workloads) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let (folder, bytes) = filled(bench)?;
    let layouts = folder.join("layouts");
    once(&layouts, |layouts| prepare(bench, &folder.join("files"), layouts))?;
    let one = format!("two layouts of others of {} MB, 4 files differ", bytes / 1_000_000);
    let layouts = layouts.as_path();
    let ours = |kind: &str| {
        let sides = VERSIONS.map(|version| layouts.join(format!("{kind}-{version}")));
        Contender::new("groundup", "groundup diff oci:A oci:B", move || {
            // Not in the workspace, so that no store is opened.
            let mut command = bench.groundup(layouts, "no-store");
            differs(command.arg("diff").args(&sides))
        })
    };
    let both = |program: &str| {
        let layer = |version: &str| format!("{program} layer-{version}.tar");
        VERSIONS.map(layer)
    };
    let sums = both("sha256sum").join(" > /dev/null & ") + " > /dev/null; wait";
    let unpacked = both("gzip -dc").map(|it| it + ".gz > /dev/null").join(" & ") + "; wait";
    let peer = |name: &'static str, script: &str| {
        let script = script.to_owned();
        Contender::new(name, script.clone(), move || bench.peer(layouts, &["sh", "-c", &script]))
    };
    let plain = bench.measure(Ready {
        workload: "diff-layouts".into(),
        what: format!("{one}; one layer each, not compressed"),
        per: 1,
        contenders: vec![ours("plain"), peer("sha256sum", &sums)],
        marks: vec![Mark::Processor(5.0), Mark::Memory(MEMORY)],
        notes: vec![
            "The peer only compares the digests of both layers, which groundup does too.".into(),
        ],
    })?;
    let gzip = bench.measure(Ready {
        workload: "diff-layouts-gzip".into(),
        what: format!("{one}; one layer each, with gzip"),
        per: 1,
        contenders: vec![ours("gzip"), peer("gzip", &unpacked)],
        marks: vec![Mark::Times { peer: "gzip".into(), most: 1.2 }, Mark::Memory(MEMORY)],
        notes: vec!["The peer only unpacks both layers, both at a time.".into()],
    })?;
    let based = bench.measure(Ready {
        workload: "diff-layouts-base".into(),
        what: format!(
            "two layouts of others with an equal layer of {} MB; 4 files differ above it",
            bytes / 1_000_000
        ),
        per: 1,
        contenders: vec![ours("base")],
        marks: vec![Mark::Within(0.2), Mark::Memory(MEMORY)],
        notes: Vec::new(),
    })?;
    Ok(vec![plain, gzip, based])
}

/// Packs the files with the peers' tar and gzip, and writes all layouts.
fn prepare(bench: &Bench, files: &Path, layouts: &Path) -> Result<()> {
    let target = layouts.to_string_lossy().into_owned();
    let tar = "tar --sort=name --owner=0 --group=0 --numeric-owner -cf";
    for version in VERSIONS {
        edit(files, version)?;
        let file = format!("{target}/layer-{version}.tar");
        let script = format!("{tar} {file} . && gzip -c {file} > {file}.gz");
        bench.peer(files, &["sh", "-c", &script])?;
        let app = layouts.join(format!("app-{version}/app"));
        fs::create_dir_all(&app).tried("make", &app)?;
        for name in ["a", "b", "c", "d"] {
            let path = app.join(name);
            fs::write(&path, format!("{name} = {version}\n")).tried("write", &path)?;
        }
        let script = format!("{tar} {target}/app-{version}.tar app");
        bench.peer(&layouts.join(format!("app-{version}")), &["sh", "-c", &script])?;
    }
    let plain = |name: String| -> Result<Layer> {
        let file = layouts.join(name);
        let digest = sha256(&file)?;
        Ok(Layer { file, digest, diff_id: digest })
    };
    let base = plain("layer-1.tar".into())?;
    for version in VERSIONS {
        let whole = plain(format!("layer-{version}.tar"))?;
        let file = layouts.join(format!("layer-{version}.tar.gz"));
        let packed = Layer { digest: sha256(&file)?, file, diff_id: whole.diff_id };
        let app = plain(format!("app-{version}.tar"))?;
        write(&layouts.join(format!("plain-{version}")), &[&whole])?;
        write(&layouts.join(format!("gzip-{version}")), &[&packed])?;
        write(&layouts.join(format!("base-{version}")), &[&base, &app])?;
    }
    Ok(())
}

fn sha256(path: &Path) -> Result<Sha256> {
    let mut hasher = Sha256Hasher::new();
    let mut file = fs::File::open(path).tried("open", path)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer).tried("read", path)? {
            0 => return Ok(hasher.finish().0),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Writes a layout whose layers are hard links to their files.
fn write(layout: &Path, layers: &[&Layer]) -> Result<()> {
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).tried("make", &blobs)?;
    let described = |kind: &str, digest: Sha256, size: usize| {
        let kind = format!("application/vnd.oci.image.{kind}");
        json!({ "mediaType": kind, "digest": digest.oci(), "size": size })
    };
    let put = |kind: &str, value: &Value| -> Result<Value> {
        let text = value.to_string();
        let digest = Sha256::of(text.as_bytes());
        let path = blobs.join(digest.to_string());
        fs::write(&path, &text).tried("write", &path)?;
        Ok(described(kind, digest, text.len()))
    };
    let mut listed = Vec::new();
    for Layer { file, digest, diff_id } in layers {
        let path = blobs.join(digest.to_string());
        fs::hard_link(file, &path).tried("link", &path)?;
        let size = file.metadata().tried("look at", file)?.len();
        let size = usize::try_from(size).map_err(|_| BenchError::Answer("a large file".into()))?;
        let gzip = if digest == diff_id { "" } else { "+gzip" };
        listed.push(described(&format!("layer.v1.tar{gzip}"), *digest, size));
    }
    let ids: Vec<String> = layers.iter().map(|layer| layer.diff_id.oci()).collect();
    let config = put(
        "config.v1+json",
        &json!({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": { "type": "layers", "diff_ids": ids }, "history": [],
        }),
    )?;
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": listed });
    let manifest = put("manifest.v1+json", &manifest)?;
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    for (name, text) in [
        ("index.json", index.to_string()),
        ("oci-layout", json!({"imageLayoutVersion": "1.0.0"}).to_string()),
    ] {
        let path = layout.join(name);
        fs::write(&path, text).tried("write", &path)?;
    }
    Ok(())
}
