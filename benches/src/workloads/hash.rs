//! Hashing a source tree again, when every file looks changed and none is.

use super::material::{Material, collect, material};
use crate::{
    bench::{Bench, Contender, Ready, output, timed},
    error::{Result, Tried},
    record::{Mark, Outcome},
};
use std::{
    fs::File,
    time::{Duration, SystemTime},
};

/// All files are touched, so that no remembered hash counts.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let material = material(bench)?;
    let build = || {
        let mut build = bench.groundup(&material.workspace, Material::STORE);
        build.args(["build", "--no-out", "image.zstd"]);
        build
    };
    output(&mut build())?;
    let mut files = Vec::new();
    collect(&material.tree(), &mut files)?;
    let mut round = 0;
    let touch = move || {
        round += 1;
        // Not the present, which would be too young to be trusted the next time.
        let time = SystemTime::now() - Duration::from_secs(1000 - round);
        for file in &files {
            let open = File::options().write(true).open(file).tried("open", file)?;
            open.set_modified(time).tried("touch", file)?;
        }
        Ok(())
    };
    let tree = material.tree();
    let words = ["sh", "-c", "find . -type f -print0 | xargs -0 b3sum > /dev/null"];
    let outcome =
        bench.measure(Ready {
            workload: "hash".into(),
            what: format!(
                "{} files, {} MB in all, hashed again and found unchanged",
                material.files,
                material.bytes / 1_000_000
            ),
            per: 1,
            contenders: vec![
                Contender::new("groundup", "groundup build --no-out image.zstd", || {
                    timed(&mut build())
                })
                .reset(touch),
                Contender::new("b3sum", words[2], || bench.peer(&tree, &words)),
            ],
            marks: vec![Mark::Times { peer: "b3sum".into(), most: 1.0 / 0.8 }],
            notes: vec![
                "groundup also plans, looks every blob up in its store and remembers every file."
                    .into(),
            ],
        })?;
    Ok(vec![outcome])
}
