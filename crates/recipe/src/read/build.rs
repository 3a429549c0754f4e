//! Reads a `build`.

use super::View;
use crate::{
    At, Build, Command, DEFAULT_OUTPUT, Limits, Permissions, Reuse,
    form::{parse_duration, parse_size},
};

pub(super) fn read(view: View<'_>) -> Option<Build> {
    let rootfs: At<crate::TargetName> = view.get("rootfs")?;
    let command = match view.text("script") {
        Some(script) => Command::Script(script),
        None => {
            view.node("command")?;
            Command::Argv(view.texts("command"))
        }
    };
    let outputs = match view.node("outputs") {
        Some(_) => view.texts("outputs"),
        None => vec![rootfs.with(DEFAULT_OUTPUT.to_owned())],
    };
    let permissions = match view.text("permissions") {
        Some(word) if word.as_str() == "keep" => Permissions::Keep,
        _ => Permissions::Normal,
    };
    let cwd = match view.get("cwd") {
        Some(cwd) => cwd.value,
        None => "/build".parse().ok()?,
    };
    Some(Build {
        sources: view.map("sources"),
        deps: view.map("deps"),
        command,
        env: view.map("env"),
        cwd,
        outputs,
        platform: view.get("platform"),
        permissions,
        reuse: if view.flag("reuse").unwrap_or(false) { Reuse::Yes } else { Reuse::No },
        limits: view.table("limits").map(limits).unwrap_or_default(),
        rootfs,
    })
}

pub(super) fn limits(view: View<'_>) -> Limits {
    Limits {
        memory: view.by("memory", parse_size),
        processes: view.int("processes"),
        wall: view.by("wall", parse_duration),
        idle: view.by("idle", parse_duration),
        output: view.by("output", parse_size),
    }
}
