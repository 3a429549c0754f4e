//! `groundup init`.

use crate::{args::Global, context::start_dir, error::CliError, out};
use std::{fs, path::Path, process::ExitCode};

/// Write a small, commented workspace that builds
///
/// Then `groundup lock` pins what its recipe asks for, and `groundup build` builds it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name of the workspace [default: the name of the directory]
    #[arg(long)]
    name: Option<String>,
}

const WORKSPACE: &str = include_str!("init/groundup.toml");
const RECIPE: &str = include_str!("init/hello.toml");
const SOURCE: &str = include_str!("init/hello.c");
const IGNORED: &str = "/out\n/store\n/groundup.local.toml\n";

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let root = start_dir(global)?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => name_of(&root),
    };
    groundup_recipe::check_name(&name).map_err(|error| {
        CliError::usage(format!("`{name}` cannot be the name of a workspace: {error}"))
            .hint("choose one with --name")
    })?;
    let host = crate::session::host_platform()?;
    let files = [
        ("groundup.toml", WORKSPACE.replace("NAME", &name).replace("PLATFORM", host.as_str())),
        ("recipes/hello.toml", RECIPE.to_owned()),
        ("hello/hello.c", SOURCE.to_owned()),
    ];
    for (path, _) in &files {
        if root.join(path).exists() {
            return Err(CliError::usage(format!("`{path}` is there already; nothing was written")));
        }
    }
    for (path, text) in &files {
        write(&root.join(path), text)?;
        out::line(*path);
    }
    if !root.join(".gitignore").exists() {
        write(&root.join(".gitignore"), IGNORED)?;
        out::line(".gitignore");
    }
    out::say("next: `groundup lock`, then `groundup build`");
    Ok(ExitCode::SUCCESS)
}

/// The name of the directory, freed of what names cannot have.
fn name_of(root: &Path) -> String {
    let name = root.file_name().map_or(String::new(), |name| name.to_string_lossy().to_lowercase());
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let plain = plain.trim_matches('-').to_owned();
    if plain.is_empty() { "workspace".to_owned() } else { plain }
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::io("write", path, &error);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}
