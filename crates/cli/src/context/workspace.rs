//! The workspace that a command acts on.

use super::{DiskLoader, Home, open_store};
use crate::{
    annotate,
    args::{Color, Global},
    error::{CliError, Kind},
    out,
};
use groundup_fetch::{Settings, VendorPlace};
use groundup_recipe::{
    ColorChoice, Diagnostic, Loaded, Lock, SelectError, Selected, Sources, load, lock::LOCK_FILE,
    render_all,
};
use groundup_store::{Basis, Create, Store};
use std::path::{Path, PathBuf};

/// Where a command acts, before any recipe is read.
pub(crate) struct Place {
    pub(crate) root: PathBuf,
    pub(crate) home: Home,
    pub(crate) store_path: PathBuf,
}

impl Place {
    /// The workspace around the current directory.
    pub(crate) fn find(global: &Global) -> Result<Self, CliError> {
        let root = find_root(global)?;
        let home = Home::read(Some(&root), global)?;
        let store_path = store_path(global, &home, Some(&root));
        Ok(Self { root, home, store_path })
    }
}

/// A loaded workspace with settings and the place of its store.
pub(crate) struct Context {
    pub(crate) root: PathBuf,
    pub(crate) loaded: Loaded,
    pub(crate) home: Home,
    pub(crate) store_path: PathBuf,
    /// What was looked at to load it.
    pub(crate) basis: Basis,
}

impl Context {
    /// Loads the workspace around the current directory.
    pub(crate) fn load(global: &Global) -> Result<Self, CliError> {
        Self::load_at(Place::find(global)?, global)
    }

    /// Loads the workspace of a place.
    pub(crate) fn load_at(place: Place, global: &Global) -> Result<Self, CliError> {
        let Place { root, home, store_path } = place;
        let loader = DiskLoader::new(&root);
        let loaded = load(&loader).map_err(|failure| {
            let color = color_choice(global);
            annotate::diagnostics(&failure.diagnostics, &failure.sources);
            CliError::rendered(render_all(&failure.diagnostics, &failure.sources, color))
        })?;
        let mut basis = loader.into_basis();
        if !loaded.warnings.is_empty() {
            annotate::diagnostics(&loaded.warnings, &loaded.sources);
            out::say(render_all(&loaded.warnings, &loaded.sources, color_choice(global)));
            // Warnings are to be seen each time.
            basis.spoil();
        }
        Ok(Self { root, loaded, home, store_path, basis })
    }

    /// The settings, with the place of pinned inputs that the workspace itself names: it comes
    /// after those of the user.
    pub(crate) fn settings(&self) -> Result<Settings, CliError> {
        let mut settings = self.home.settings.clone();
        if let Some(text) = &self.loaded.workspace.vendor {
            let place = VendorPlace::parse(text, &self.root).map_err(|error| {
                let label = "the place of pinned inputs";
                let diagnostic = Diagnostic::error(error.to_string()).label(text.span, label);
                CliError::rendered(diagnostic.render(&self.loaded.sources, ColorChoice::Plain))
            })?;
            if !settings.vendor.contains(&place) {
                settings.vendor.push(place);
            }
        }
        Ok(settings)
    }

    /// Opens the store, making it if there is none.
    pub(crate) fn open_store(&self) -> Result<Store, CliError> {
        open_store(&self.store_path, Create::IfMissing)
    }

    /// The targets that words of the command line mean; the workspace's default without words.
    pub(crate) fn select(&self, words: &[String]) -> Result<Vec<Selected>, CliError> {
        self.loaded.workspace.select(words).map_err(|error| {
            let hint = match &error {
                SelectError::Malformed { nearest: Some(nearest), .. }
                | SelectError::Unknown { nearest: Some(nearest), .. } => {
                    Some(format!("did you mean `{nearest}`?"))
                }
                SelectError::Malformed { .. }
                | SelectError::Unknown { .. }
                | SelectError::Empty(_) => Some(self.listed()),
                SelectError::NoOutput { outputs, .. } => {
                    Some(format!("it has {}", outputs.join(", ")))
                }
                SelectError::NoDefault => {
                    Some("name a target, or write `default = [\"image.NAME\"]`".to_owned())
                }
            };
            CliError { hint, ..CliError::of(Kind::Usage, &error) }
        })
    }

    /// The targets that there are, as far as they fit into a line or two.
    fn listed(&self) -> String {
        const MOST: usize = 12;
        let targets = self.loaded.workspace.targets();
        let mut shown: Vec<_> = targets.keys().take(MOST).map(|name| format!("`{name}`")).collect();
        if targets.len() > MOST {
            shown.push(format!("and {} more", targets.len() - MOST));
        }
        match shown.is_empty() {
            true => "the recipes define no target yet".to_owned(),
            false => format!("targets are {}", shown.join(", ")),
        }
    }
}

/// The place of the store: command line or environment, settings, `store` in the workspace.
pub(crate) fn store_path(global: &Global, home: &Home, root: Option<&Path>) -> PathBuf {
    let named = global.store.clone().or_else(|| home.settings.store.clone());
    named.unwrap_or_else(|| root.unwrap_or(Path::new(".")).join("store"))
}

pub(crate) fn color_choice(global: &Global) -> ColorChoice {
    let styled = match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
        }
    };
    if styled { ColorChoice::Colored } else { ColorChoice::Plain }
}

/// The directory from which a command acts, as an absolute path.
pub(crate) fn start_dir(global: &Global) -> Result<PathBuf, CliError> {
    let dir = global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    dir.canonicalize()
        .map_err(|error| CliError::usage(format!("cannot act in `{}`: {error}", dir.display())))
}

/// The nearest directory, from here up, with a `groundup.toml`.
pub(crate) fn find_root(global: &Global) -> Result<PathBuf, CliError> {
    let start = start_dir(global)?;
    let found = start.ancestors().find(|dir| dir.join(groundup_recipe::WORKSPACE_FILE).is_file());
    found.map(Path::to_owned).ok_or_else(|| {
        CliError::usage(format!(
            "there is no {} in `{}` or a directory above it",
            groundup_recipe::WORKSPACE_FILE,
            start.display()
        ))
        .hint("run `groundup init` to write a small workspace that builds")
    })
}

/// The lock of a workspace, empty if there is none. Its text is added to `sources`, so that spans
/// of pins can be located.
pub(crate) fn read_lock(
    root: &Path,
    sources: &mut Sources,
    global: &Global,
) -> Result<(Lock, Option<String>), CliError> {
    let path = root.join(LOCK_FILE);
    let Some(text) = super::home::read_if_there(&path)? else {
        return Ok((Lock::default(), None));
    };
    match Lock::parse(sources, LOCK_FILE, &text) {
        Ok(lock) => Ok((lock, Some(text))),
        Err(diagnostics) => {
            annotate::diagnostics(&diagnostics, sources);
            Err(CliError::rendered(render_all(&diagnostics, sources, color_choice(global))))
        }
    }
}

/// The lock of a workspace, refused if it does not fit the recipes.
pub(crate) fn load_lock(
    context: &mut Context,
    global: &Global,
) -> Result<(Lock, Option<String>), CliError> {
    context.basis.path(&context.root.join(LOCK_FILE));
    let (lock, text) = read_lock(&context.root, &mut context.loaded.sources, global)?;
    let stale = lock.check(&context.loaded.workspace);
    if stale.is_empty() {
        return Ok((lock, text));
    }
    let diagnostics: Vec<Diagnostic> = stale.iter().map(|stale| stale.to_diagnostic()).collect();
    annotate::diagnostics(&diagnostics, &context.loaded.sources);
    let rendered = render_all(&diagnostics, &context.loaded.sources, color_choice(global));
    Err(CliError::rendered(rendered))
}
