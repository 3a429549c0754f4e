//! One file of a large image is changed: from the edit to the new layout.

use super::material::{Material, material};
use crate::{
    bench::{Bench, Contender, Ready, output, timed},
    error::{Result, Tried},
    record::{Mark, Outcome},
};
use std::{cell::Cell, fs};

/// A file of its own, and a file among many of one source.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let material = material(bench)?;
    let cases = [
        ("edit", "app/config", vec![Mark::Within(1.0), Mark::Written(8_000_000)]),
        ("edit-part", "parts/00/edited", vec![]),
    ];
    cases.into_iter().map(|(name, file, marks)| one(bench, &material, name, file, marks)).collect()
}

fn one(
    bench: &Bench,
    material: &Material,
    name: &str,
    file: &str,
    marks: Vec<Mark>,
) -> Result<Outcome> {
    let path = material.workspace.join(file);
    let edits = Cell::new(0);
    let edit = || {
        edits.set(edits.get() + 1);
        let text = format!("{} {}\n", jiff::Timestamp::now(), edits.get());
        fs::write(&path, text).tried("write", &path)
    };
    let build = || {
        let mut build = bench.groundup(&material.workspace, Material::STORE);
        build.args(["build", "image.app"]);
        build
    };
    edit()?;
    output(&mut build())?;
    bench.measure(Ready {
        workload: name.into(),
        what: format!(
            "`{file}` changed in an image of {} MB, to the new layout",
            material.bytes / 1_000_000
        ),
        per: 1,
        contenders: vec![
            Contender::new("groundup", "groundup build image.app", || timed(&mut build()))
                .reset(edit),
        ],
        marks,
        notes: vec!["What is written anew is the layer that the file is in.".into()],
    })
}
