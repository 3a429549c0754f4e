//! The two words of a comparison, and what stands for them.

use super::{
    Args,
    causes::PlanCauses,
    failed, made, parts,
    recorded::of_digest,
    records::{Made, maker},
    registry::Registries,
    world,
};
use crate::{
    args::Global,
    error::{CliError, Kind},
    session::{Before, Session},
};
use groundup_build::{history::Asked, resolve};
use groundup_diff::{
    Attribution, Found, NoCauses, Part, Platforms, Report, Subject, World, find_path, open_found,
};
use groundup_digest::ObjectId;
use groundup_fetch::ImageReference;
use groundup_plan::{Plan, compare::Side as PlanSide};
use groundup_recipe::{Platform, TargetRef};
use groundup_store::Store;
use std::path::PathBuf;

/// A word of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// Something on disk.
    Path { name: String, path: PathBuf },
    /// An image in a registry.
    Registry { image: ImageReference },
    /// An object of the store.
    Id { name: String, id: ObjectId },
    /// Something that a build in the store made, by a SHA-256.
    Digest { name: String, asked: Asked },
    /// A target, at a revision of git or now.
    Target { name: String, revision: Option<String>, target: TargetRef },
}

/// What stands for a word.
pub(super) struct Side {
    pub(super) subject: Subject,
    /// The latest build that made it, if one of ours did.
    pub(super) made: Option<Made>,
}

impl Word {
    pub(super) fn parse(text: &str) -> Result<Self, CliError> {
        let name = text.to_owned();
        for prefix in ["oci:", "dir:", "docker-archive:", "oci-archive:"] {
            if let Some(path) = text.strip_prefix(prefix) {
                return Ok(Self::Path { name, path: path.into() });
            }
        }
        if text.starts_with("docker://") {
            let image = text.parse::<ImageReference>();
            let image = image.map_err(|error| CliError::of(Kind::Usage, &error))?;
            return Ok(Self::Registry { image });
        }
        if (text.contains("@sha256:") || text.starts_with("sha256:"))
            && let Some(asked) = crate::commands::whence::asked::digest(text)?
        {
            return Ok(Self::Digest { name, asked });
        }
        if text.contains("://") {
            let error = CliError::usage(format!("`{text}` is not read from here"));
            return Err(error.hint(
                "images in registries are written as in `docker://HOST/NAME:TAG`; fetch other \
                 things first, and compare the files",
            ));
        }
        if let Ok(id) = text.parse::<ObjectId>() {
            return Ok(Self::Id { name, id });
        }
        let is_path = text.starts_with(['.', '/']) || text.contains('/') && !text.contains(':');
        if !is_path {
            if let Ok(target) = text.parse::<TargetRef>() {
                return Ok(Self::Target { name, revision: None, target });
            }
            if let Some((revision, target)) = text.split_once(':')
                && let Ok(target) = target.parse::<TargetRef>()
            {
                return Ok(Self::Target { name, revision: Some(revision.to_owned()), target });
            }
        }
        let path = PathBuf::from(text);
        if path.exists() {
            return Ok(Self::Path { name, path });
        }
        let error = CliError::usage(format!("`{text}` is neither a target, an id nor a path"));
        Err(error.hint(
            "targets are written as in `node.worker` or `HEAD~1:node.worker`, ids as `tree:…`",
        ))
    }

    pub(super) fn is_target(&self) -> bool {
        matches!(self, Self::Target { .. })
    }

    /// Whether the store has to be there for it.
    pub(super) fn is_stored(&self) -> bool {
        matches!(self, Self::Id { .. } | Self::Digest { .. })
    }

    pub(super) fn is_registry(&self) -> bool {
        matches!(self, Self::Registry { .. })
    }

    /// What stands for a word that is no target, before layers are read.
    fn find(
        &self,
        world: &World<'_>,
        store: Option<&Store>,
        platforms: &Platforms,
        registries: &Registries<'_>,
    ) -> Result<(Found, Option<Made>), CliError> {
        let found = match self {
            Self::Digest { name, asked } => {
                let store =
                    store.ok_or_else(|| CliError::usage(format!("`{name}` needs a store")))?;
                let side = of_digest(world, store, name, asked, platforms)?;
                return Ok((Found::Subject(side.subject), side.made));
            }
            Self::Path { name, path } => find_path(world, path, name, platforms),
            Self::Registry { image } => {
                return Ok((registries.find(world, image, platforms)?, None));
            }
            Self::Id { name, id } => Subject::of_object(world, name, *id).map(Found::Subject),
            Self::Target { name, .. } => {
                return Err(CliError::usage(format!("`{name}` needs a workspace")));
            }
        };
        let made = match (self, store) {
            (Self::Id { id, .. }, Some(store)) => maker(store, *id)?,
            _ => None,
        };
        Ok((found.map_err(|error| failed(&error))?, made))
    }
}

/// What stands for words that are no targets; of two images, layers that both have are read once.
pub(super) fn outside(
    words: &[&Word],
    world: &World<'_>,
    store: Option<&Store>,
    platforms: &Platforms,
    registries: &Registries<'_>,
) -> Result<Vec<Side>, CliError> {
    let found = words.iter().map(|word| word.find(world, store, platforms, registries));
    let (found, made): (Vec<_>, Vec<_>) = found.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let subjects = open_found(world, found, registries).map_err(|error| failed(&error))?;
    let sides = subjects.into_iter().zip(made).map(|(mut subject, made)| {
        subject.requested = made.as_ref().and_then(Made::requested);
        Side { subject, made }
    });
    Ok(sides.collect())
}

/// Compares where at least one of the words is a target of the workspace.
pub(super) fn with_targets(
    global: &Global,
    args: &Args,
    words: [Word; 2],
) -> Result<Report, CliError> {
    // The present workspace is the context of both: where the store is, what is planned.
    let now: Vec<String> = words.iter().filter_map(Word::present).collect();
    let mut session = open_session(global, &words, &now)?;
    let states: Vec<Option<Before>> =
        words.iter().map(|word| word.state(&mut session, global)).collect::<Result<_, _>>()?;
    let resolved = resolve(&session.plan, &session.store)?;
    let known: Vec<_> = resolved.into_iter().map(|step| step.outputs).collect();
    let platforms = &session.context.loaded.workspace.platforms;
    let platform = platforms.first().map_or(Platform::LinuxAmd64, |it| it.value);
    let platforms = parts::platforms(args.platform.as_deref(), Some(platform))?;
    let world = world(Some(&session.store))?;
    let registries = Registries::new(session.context.settings()?, Some(&session.store));
    let present = PlanSide {
        recipes: &session.context.loaded,
        lock: &session.lock,
        plan: &session.plan,
        known: &known,
    };
    let mut subjects = Vec::new();
    let mut sides = Vec::new();
    for (word, state) in words.iter().zip(&states) {
        let Word::Target { name, target, .. } = word else {
            let store = Some(&session.store);
            let found = outside(&[word], &world, store, &platforms, &registries)?;
            subjects.extend(found.into_iter().map(|side| side.subject));
            sides.push(None);
            continue;
        };
        let side = state.as_ref().map_or(present, Before::side);
        subjects.push(of_target(&world, name, target, &side, platform, &platforms)?);
        sides.push(Some((side, target)));
    }
    let [before, after] = &subjects[..] else {
        return Err(CliError::usage("two words are needed"));
    };
    let attribution = match &sides[..] {
        [Some((old, one)), Some((new, two))] if one == two => Some(PlanCauses::new(
            &session.store,
            (old, &states[0]),
            (new, &states[1]),
            one,
            platform,
        )?),
        _ => None,
    };
    let causes: &dyn Attribution =
        attribution.as_ref().map_or(&NoCauses, |found| found as &dyn Attribution);
    made(&world, args, (before, after), causes)
}

fn open_session(global: &Global, words: &[Word], now: &[String]) -> Result<Session, CliError> {
    if !now.is_empty() {
        return Session::open(global, now);
    }
    // Only revisions were asked for: what is planned now serves to find the store, and targets that
    // are there no more are no error.
    let names: Vec<String> = words.iter().filter_map(Word::target_name).collect();
    Session::open(global, &names).or_else(|_| Session::open(global, &[]))
}

impl Word {
    /// The target as it is now, if that is meant.
    fn present(&self) -> Option<String> {
        match self {
            Self::Target { revision: None, target, .. } => Some(target.target.to_string()),
            _ => None,
        }
    }

    fn target_name(&self) -> Option<String> {
        match self {
            Self::Target { target, .. } => Some(target.target.to_string()),
            _ => None,
        }
    }

    /// What was planned at the revision, if one is meant.
    fn state(&self, session: &mut Session, global: &Global) -> Result<Option<Before>, CliError> {
        match self {
            Self::Target { revision: Some(revision), target, .. } => {
                Before::open(session, global, revision, &[target.target.to_string()]).map(Some)
            }
            _ => Ok(None),
        }
    }
}

fn of_target(
    world: &World<'_>,
    name: &str,
    target: &TargetRef,
    side: &PlanSide<'_>,
    platform: Platform,
    platforms: &Platforms,
) -> Result<Subject, CliError> {
    if !has_target(side.plan, target) {
        return Err(CliError::usage(format!("there is no target `{target}` in `{name}`")));
    }
    let found = parts::of_target(side.plan, side.known, target, platform);
    let found = found.map_err(|parts::NotBuilt(step)| {
        let revision = name.strip_suffix(&format!(":{target}")).filter(|it| !it.is_empty());
        let hint = match revision {
            None => format!("`groundup build {}`", target.target),
            Some(revision) => format!(
                "`git worktree add ../before {revision}`, and in it `groundup --store STORE build {}` \
                 with the store of this workspace",
                target.target
            ),
        };
        CliError::new(Kind::Environment, format!("`{name}` was not built here: no result of `{step}`"))
            .hint(hint)
    })?;
    let mut parts = Vec::new();
    for (part, id) in found {
        match (part.as_str(), id) {
            // The layout is compressed layers; what is told of are its documents.
            ("layout", Part::Tree(layout)) => {
                let documents = groundup_diff::image_documents(world, layout, platforms);
                parts.extend(documents.map_err(|error| failed(&error))?);
            }
            // One file for each object says it all.
            ("manifests", Part::Tree(all)) => {
                let objects = world.below(all, "objects").map_err(|error| failed(&error))?;
                parts.push((part, objects.map_or(id, Part::Tree)));
            }
            _ => parts.push((part, id)),
        }
    }
    let mut subject = Subject::of_parts(name, target.target.kind().to_string(), parts);
    subject.requested = parts::requested(side.plan, side.known, target, platform);
    Ok(subject)
}

fn has_target(plan: &Plan, target: &TargetRef) -> bool {
    plan.targets().iter().any(|asked| asked.name == target.target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_targets_ids_or_paths() {
        let word = |text: &str| Word::parse(text).unwrap();
        assert!(matches!(word("node.worker"), Word::Target { revision: None, .. }));
        assert!(matches!(word("kernel.edge:modules"), Word::Target { revision: None, .. }));
        let at = word("HEAD~1:node.worker");
        assert!(matches!(at, Word::Target { revision: Some(it), .. } if it == "HEAD~1"));
        let at = word("v1.2:kernel.edge:modules");
        assert!(matches!(at, Word::Target { revision: Some(it), target, .. }
            if it == "v1.2" && target.output == "modules"));
        assert!(matches!(word(&format!("tree:{}", "0".repeat(64))), Word::Id { .. }));
        let digest = format!("sha256:{}", "0".repeat(64));
        assert!(matches!(word(&digest), Word::Digest { .. }));
        let pod = format!("docker-pullable://registry.example/web@{digest}");
        assert!(matches!(word(&pod), Word::Digest { .. }));
        assert!(matches!(word("/"), Word::Path { .. }));
        assert!(matches!(word("oci:x"), Word::Path { .. }));
        assert!(matches!(word("docker://localhost:5000/x/y:1"), Word::Registry { .. }));
        assert!(Word::parse("docker://x/Y").is_err());
        assert!(Word::parse("https://x/y").is_err());
        assert!(Word::parse("no-such-thing").is_err());
    }
}
