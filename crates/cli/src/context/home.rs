//! The environment, read once: home directories, proxies, settings files, the host's apt sources.

use crate::{annotate, args::Global, error::CliError};
use groundup_fetch::{
    AptSource, Credentials, Offline, ProxyEnvironment, Settings, VendorPlace, apt_sources,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The variables of the environment that mean something to groundup.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    pub(crate) home: Option<PathBuf>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) ci: bool,
    /// The check-out of a job of GitHub Actions, which reads annotations.
    pub(crate) github: Option<PathBuf>,
    /// The check-out of a job of GitLab CI.
    pub(crate) gitlab: Option<PathBuf>,
    /// The report on the quality of code to which a job of GitLab CI adds.
    pub(crate) quality: Option<PathBuf>,
    pub(crate) vendor: Option<String>,
    pub(crate) proxies: ProxyEnvironment,
}

impl Environment {
    /// Reads them; the only place that does.
    #[allow(clippy::disallowed_methods, reason = "this is where the environment is read once")]
    pub(crate) fn read() -> Self {
        let text = |names: &[&str]| {
            names.iter().find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()))
        };
        let home = text(&["HOME"]).map(PathBuf::from);
        let config = text(&["XDG_CONFIG_HOME"]).map(PathBuf::from);
        Self {
            config: config.or_else(|| Some(home.as_ref()?.join(".config"))),
            home,
            user: text(&["USER", "LOGNAME"]),
            ci: text(&["CI"]).is_some(),
            github: text(&["GITHUB_ACTIONS"])
                .and_then(|_| text(&["GITHUB_WORKSPACE"]))
                .map(PathBuf::from),
            gitlab: text(&["CI_PROJECT_DIR"]).map(PathBuf::from),
            quality: text(&["GROUNDUP_CODE_QUALITY"]).map(PathBuf::from),
            vendor: text(&["GROUNDUP_VENDOR"]),
            proxies: ProxyEnvironment {
                http_proxy: text(&["http_proxy"]),
                https_proxy: text(&["https_proxy", "HTTPS_PROXY"]),
                all_proxy: text(&["all_proxy", "ALL_PROXY"]),
                no_proxy: text(&["no_proxy", "NO_PROXY"]),
            },
        }
    }
}

/// What a person or machine settles.
pub(crate) struct Home {
    pub(crate) environment: Environment,
    pub(crate) settings: Settings,
    pub(crate) apt: Vec<AptSource>,
}

impl Home {
    /// Reads the settings of the user, then those of the workspace, then the command line.
    pub(crate) fn read(workspace: Option<&Path>, global: &Global) -> Result<Self, CliError> {
        let environment = Environment::read();
        workspace.into_iter().for_each(|root| annotate::begin(&environment, root));
        let mut settings = Settings::default();
        settings.apply_proxy_environment(environment.proxies.clone());
        let user = environment.config.as_ref().map(|dir| dir.join("groundup/settings.toml"));
        let local = workspace.map(|root| root.join("groundup.local.toml"));
        let of_user = user.map(|path| Ok::<_, CliError>((read_if_allowed(&path)?, path)));
        let of_workspace = local.map(|path| Ok::<_, CliError>((read_if_there(&path)?, path)));
        for found in [of_user, of_workspace].into_iter().flatten() {
            let (text, path) = found?;
            if let Some(text) = text {
                settings.apply(&text, &path.display().to_string())?;
            }
        }
        if let Some(text) = &environment.vendor {
            settings.vendor = vec![vendor(text)?];
        }
        if global.offline {
            settings.offline = Offline::Yes;
        }
        settings.credentials = credentials(&environment, settings.credentials)?;
        let apt = apt_sources(&apt_files()?);
        Ok(Self { environment, settings, apt })
    }
}

/// The place of pinned inputs that the environment names, relative to where the command starts.
fn vendor(text: &str) -> Result<VendorPlace, CliError> {
    let here = std::path::absolute(".").map_err(|error| {
        CliError::environment(format!("cannot tell the current directory: {error}"))
    })?;
    VendorPlace::parse(text, &here)
        .map_err(|error| CliError::usage(format!("GROUNDUP_VENDOR: {error}")))
}

fn credentials(
    environment: &Environment,
    mut credentials: Credentials,
) -> Result<Credentials, CliError> {
    if let Some(home) = &environment.home {
        let netrc = home.join(".netrc");
        if let Some(text) = read_if_allowed(&netrc)? {
            credentials.add_netrc(&text, &netrc.display().to_string())?;
        }
        let docker = home.join(".docker/config.json");
        if let Some(text) = read_if_allowed(&docker)? {
            // Helpers that it names are not run; a registry that needs one says so with a 401.
            credentials.add_docker_config(&text, &docker.display().to_string())?;
        }
    }
    for path in listed(Path::new("/etc/apt/auth.conf.d"), "conf")? {
        // Only root may read these as a rule; without them a private archive answers 401.
        if let Ok(text) = fs::read_to_string(&path) {
            credentials.add_netrc(&text, &path.display().to_string())?;
        }
    }
    Ok(credentials)
}

fn apt_files() -> Result<Vec<(PathBuf, String)>, CliError> {
    let mut paths = vec![PathBuf::from("/etc/apt/sources.list")];
    let dir = Path::new("/etc/apt/sources.list.d");
    paths.extend(listed(dir, "list")?);
    paths.extend(listed(dir, "sources")?);
    let mut files = Vec::new();
    for path in paths {
        if let Some(text) = read_if_allowed(&path)? {
            files.push((path, text));
        }
    }
    Ok(files)
}

fn listed(dir: &Path, extension: &str) -> Result<Vec<PathBuf>, CliError> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let walk = walkdir::WalkDir::new(dir).min_depth(1).max_depth(1).sort_by_file_name();
    let mut paths = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|error| {
            CliError::environment(format!("cannot list `{}`: {error}", dir.display()))
        })?;
        if entry.path().extension().is_some_and(|found| found == extension) {
            paths.push(entry.into_path());
        }
    }
    Ok(paths)
}

/// The text of a file of the user or the host, which others may forbid to read: credentials of
/// root, a home directory that `HOME` still names after a change of user.
fn read_if_allowed(path: &Path) -> Result<Option<String>, CliError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        _ => read_if_there(path),
    }
}

/// The text of a file; none if it is not there. One that cannot be read is an error: a lock or
/// settings that are passed over would be believed not to exist.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>, CliError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(CliError::environment(format!("cannot read `{}`: {error}", path.display()))),
        },
    }
}
