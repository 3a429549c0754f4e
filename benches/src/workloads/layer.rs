//! One layer of a large tree, with zstd beside tar and zstd, with gzip beside umoci and buildah.

use super::material::{Material, material};
use crate::{
    bench::{Bench, Contender, Ready, once, output, remove, timed},
    error::Result,
    record::{Mark, Outcome},
};
use std::process::Command;

/// Memory that a layer may take, whatever its size.
const MEMORY: u64 = 200_000_000;

/// The layer step alone is run again; all else is known.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let material = material(bench)?;
    let size = format!("{} files, {} MB in all", material.files, material.bytes / 1_000_000);
    Ok(vec![zstd(bench, &material, &size)?, gzip(bench, &material, &size)?])
}

fn ours(bench: &Bench, material: &Material, target: &str) -> Command {
    let mut build = bench.groundup(&material.workspace, Material::STORE);
    build.args(["build", "--no-out", target]);
    build
}

fn again<'a>(bench: &'a Bench, material: &'a Material, target: &'a str) -> Result<Contender<'a>> {
    output(&mut ours(bench, material, target))?;
    let step = format!("{target} layer.00 linux/amd64");
    let command = format!("groundup build --no-out {target} --rerun '{step}'");
    Ok(Contender::new("groundup", command, move || {
        timed(ours(bench, material, target).args(["--rerun", &step]))
    }))
}

fn zstd(bench: &Bench, material: &Material, size: &str) -> Result<Outcome> {
    let script = "tar -cf - . | zstd -q -T2 -3 -f -o ../layer.tar.zst";
    let words = ["sh", "-c", script];
    let tree = material.tree();
    bench.measure(Ready {
        workload: "layer-zstd".into(),
        what: format!("one layer with zstd at level 3: {size}"),
        per: 1,
        contenders: vec![
            again(bench, material, "image.zstd")?,
            Contender::new("tar and zstd", script, || bench.peer(&tree, &words)),
        ],
        marks: vec![
            Mark::Times { peer: "tar and zstd".into(), most: 1.0 / 0.8 },
            Mark::Memory(MEMORY),
        ],
        notes: vec![
            "groundup checks every file against its BLAKE3, and gives SHA-256 and BLAKE3 of what \
             it makes."
                .into(),
        ],
    })
}

fn gzip(bench: &Bench, material: &Material, size: &str) -> Result<Outcome> {
    let tree = material.tree();
    let folder = bench.folder(&format!("layer-peers-{}", material.bytes / 100_000_000));
    let (umoci, buildah) = (folder.join("umoci"), folder.join("buildah"));
    let tree_text = tree.to_string_lossy().into_owned();
    let buildah_words = |more: &[&str]| -> Vec<String> {
        let root = buildah.join("storage").to_string_lossy().into_owned();
        let run = buildah.join("run").to_string_lossy().into_owned();
        let fixed = ["buildah", "--root", &root, "--runroot", &run, "--storage-driver", "vfs"];
        fixed.iter().chain(more).map(|word| (*word).to_owned()).collect()
    };
    let run_buildah = |more: &[&str]| {
        let words = buildah_words(more);
        bench.peer(&folder, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    once(&folder, |_| {
        run_buildah(&["from", "--name", "bench", "scratch"])?;
        run_buildah(&["copy", "-q", "bench", &tree_text, "/data"]).map(drop)
    })?;
    let image = umoci.to_string_lossy().into_owned();
    let tagged = format!("{image}:x");
    let new_image = || {
        remove(&umoci)?;
        bench.peer(&folder, &["umoci", "init", "--layout", &image])?;
        bench.peer(&folder, &["umoci", "new", "--image", &tagged]).map(drop)
    };
    let insert = ["umoci", "insert", "--image", &tagged, &tree_text, "/data"];
    let committed = buildah.join("image");
    let target = format!("oci:{}:x", committed.display());
    let commit = ["commit", "-q", "--disable-compression=false", "bench", &target];
    let less = |peer: &str| Mark::Times { peer: peer.into(), most: 1.0 };
    bench.measure(Ready {
        workload: "layer-gzip".into(),
        what: format!("one layer with gzip, at everybody's default level: {size}"),
        per: 1,
        contenders: vec![
            again(bench, material, "image.gzip")?,
            Contender::new("umoci", "umoci insert", || bench.peer(&folder, &insert))
                .reset(new_image),
            Contender::new("buildah", "buildah commit", || run_buildah(&commit))
                .reset(|| remove(&committed)),
        ],
        marks: vec![less("umoci"), less("buildah"), Mark::Memory(MEMORY)],
        notes: vec!["The copy of the tree into buildah's container is not counted.".into()],
    })
}
