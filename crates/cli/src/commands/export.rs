//! Images in the forms that others read: archives, and straight into a local engine.

use crate::{
    error::{CliError, Kind},
    out,
    session::{Artifact, Session},
};
use groundup_digest::TreeId;
use groundup_image::{Platform, write_docker_archive, write_oci_archive};
use groundup_recipe::{TargetBody, TargetName};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
};

fn layouts(artifacts: &[Artifact]) -> Vec<(&Artifact, TreeId)> {
    let images = artifacts.iter().filter(|artifact| artifact.digest.is_some());
    images.filter_map(|artifact| Some((artifact, artifact.id.tree()?))).collect()
}

/// Writes the archives that were asked for.
pub(super) fn images(
    session: &Session,
    artifacts: &[Artifact],
    oci: Option<&Path>,
    docker: Option<&Path>,
) -> Result<(), CliError> {
    if oci.is_none() && docker.is_none() {
        return Ok(());
    }
    let [(artifact, layout)] = layouts(artifacts)[..] else {
        return Err(CliError::usage("an archive is written for exactly one image target"));
    };
    if let Some(path) = oci {
        to_file(path, |mut file| {
            write_oci_archive(&session.store, layout, &mut file).map_err(|error| boxed(&error))
        })?;
    }
    if let Some(path) = docker {
        let (platform, names) = for_engine(session, artifact)?;
        to_file(path, |mut file| {
            write_docker_archive(&session.store, layout, &platform, &names, &mut file)
                .map_err(|error| boxed(&error))
        })?;
    }
    Ok(())
}

/// The platform of this host, and the names that an engine gives to the image.
fn for_engine(session: &Session, artifact: &Artifact) -> Result<(Platform, Vec<String>), CliError> {
    let host = crate::session::host_platform()?;
    let platform: Platform =
        host.as_str().parse().map_err(|_| CliError::new(Kind::Bug, "the host has no platform"))?;
    let name: TargetName = artifact
        .target
        .parse()
        .map_err(|_| CliError::new(Kind::Bug, "an artifact without a target"))?;
    let body = session.context.loaded.workspace.target(&name).map(|target| &target.body);
    let tag = match body {
        Some(TargetBody::Image(image)) => image.tag.as_ref().map(|tag| tag.value.clone()),
        _ => None,
    };
    Ok((platform, vec![tag.unwrap_or_else(|| format!("{}:latest", name.name()))]))
}

fn boxed(error: &(dyn std::error::Error + 'static)) -> CliError {
    CliError::of(Kind::Environment, error)
}

/// Writes a file whole or not at all.
pub(super) fn to_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::io("write", path, &error);
    // What is no file, a pipe say, is written to as it is.
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        write(&mut file)?;
        return file.flush().map_err(failed);
    }
    // Whole or not at all: half an archive would be taken for one.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    let mut file = BufWriter::new(new);
    write(&mut file)?;
    let new = file.into_inner().map_err(|error| failed(error.into_error()))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    new.as_file().set_permissions(mode).map_err(failed)?;
    new.persist(path).map(drop).map_err(|error| failed(error.error))
}

/// Loads images into an engine, through its `load` command.
pub(super) fn load(
    session: &Session,
    artifacts: &[Artifact],
    engine: Option<&str>,
) -> Result<(), CliError> {
    let engine = match engine {
        Some(engine) => engine,
        None => ["docker", "podman"]
            .into_iter()
            .find(|engine| Command::new(engine).arg("version").output().is_ok())
            .ok_or_else(|| {
                CliError::environment("there is neither `docker` nor `podman` to load images into")
                    .hint("install one, or write an archive with --docker-archive")
            })?,
    };
    for (artifact, layout) in layouts(artifacts) {
        let (platform, names) = for_engine(session, artifact)?;
        let failed = |error: std::io::Error| {
            CliError::environment(format!("cannot talk to `{engine} load`: {error}"))
        };
        let mut child = Command::new(engine)
            .arg("load")
            .stdin(Stdio::piped())
            .stdout(Stdio::from(std::io::stderr()))
            .spawn()
            .map_err(failed)?;
        let mut stdin = child.stdin.take().expect("it was asked for");
        let written = write_docker_archive(&session.store, layout, &platform, &names, &mut stdin);
        drop(stdin);
        let status = child.wait().map_err(failed)?;
        if !status.success() {
            let target = &artifact.target;
            return Err(CliError::environment(format!(
                "`{engine} load` refused {target} ({status})"
            )));
        }
        written.map_err(|error| boxed(&error))?;
        out::say(format!("loaded {} into {engine}", artifact.target));
    }
    Ok(())
}
