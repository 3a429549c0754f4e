//! `groundup doctor`.

use super::answer_is_no;
use crate::{
    args::Global,
    context::{Home, find_root, store_path},
    error::{CliError, Kind},
    out::{self, CYAN, GREEN, RED, YELLOW},
    words,
};
use groundup_fetch::{ArchiveKind, ArchiveRef, mirrors_for};
use groundup_sandbox::{Status, probe};
use serde_json::json;
use std::process::{Command, ExitCode};

/// Say what this host offers, what is missing, and what to do about it
///
/// Exit code 0 if builds can run here, 1 if not.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(super) fn run(global: &Global, _args: &Args) -> Result<ExitCode, CliError> {
    let host = probe().map_err(|error| CliError::of(Kind::Environment, &error))?;
    let mut rows: Vec<(String, Status, String)> = host
        .checks
        .iter()
        .map(|check| (check.name.to_owned(), check.status.clone(), check.detail.clone()))
        .collect();
    let root = find_root(global).ok();
    let home = Home::read(root.as_deref(), global)?;
    rows.push(mirror_row(&home));
    rows.push(git_row());
    rows.push(disk_row(&store_path(global, &home, root.as_deref())));
    let able = host.can_run();
    if global.json {
        let checks: Vec<_> = rows
            .iter()
            .map(|(name, status, detail)| {
                let (word, remedy) = words_of(status);
                json!({"name": name, "status": word, "detail": detail, "remedy": remedy})
            })
            .collect();
        out::json(&json!({"version": 1, "can_build": able, "checks": checks}));
    } else {
        for (name, status, detail) in &rows {
            let (word, remedy) = words_of(status);
            let style = match status {
                Status::Works => GREEN,
                Status::Less { .. } => YELLOW,
                Status::Missing { .. } => RED,
            };
            out::line(format!("{style}{word:8}{style:#}{name}  {detail}").trim_end());
            if let Some(remedy) = remedy {
                out::line(format!("        {CYAN}help{CYAN:#}: {remedy}"));
            }
        }
    }
    Ok(if able { ExitCode::SUCCESS } else { answer_is_no() })
}

fn words_of(status: &Status) -> (&'static str, Option<&str>) {
    match status {
        Status::Works => ("ok", None),
        Status::Less { remedy } => ("limited", Some(remedy)),
        Status::Missing { remedy } => ("missing", Some(remedy)),
    }
}

fn mirror_row(home: &Home) -> (String, Status, String) {
    let debian = ArchiveRef {
        name: "debian",
        suite: "bookworm",
        kind: ArchiveKind::of_debian_suite("bookworm"),
        default_url: None,
    };
    let name = "Debian mirror".to_owned();
    match mirrors_for(&debian, &home.settings, &home.apt) {
        Ok(mirrors) => {
            let shown: Vec<_> = mirrors.iter().map(ToString::to_string).collect();
            (name, Status::Works, shown.join(", "))
        }
        Err(error) => (name, Status::Less { remedy: error.to_string() }, String::new()),
    }
}

fn git_row() -> (String, Status, String) {
    let version = Command::new("git").arg("--version").output();
    match version {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            ("git".to_owned(), Status::Works, text)
        }
        Err(_) => {
            let remedy =
                "install git, if a workspace is a git repository or has git sources".into();
            ("git".to_owned(), Status::Less { remedy }, String::new())
        }
    }
}

fn disk_row(store: &std::path::Path) -> (String, Status, String) {
    let existing = store.ancestors().find(|path| path.exists()).unwrap_or(store);
    let name = "room for the store".to_owned();
    match rustix::fs::statvfs(existing) {
        Ok(stat) => {
            let free = stat.f_bavail * stat.f_frsize;
            let detail = format!("{} free at {}", words::bytes(free), existing.display());
            let status = match free {
                0..0x8000_0000 => {
                    Status::Less { remedy: "a build wants 2 GiB or more; see --store".into() }
                }
                _ => Status::Works,
            };
            (name, status, detail)
        }
        Err(error) => (name, Status::Less { remedy: error.to_string() }, String::new()),
    }
}
