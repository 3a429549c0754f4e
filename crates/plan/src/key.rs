//! The key of a step: the hash of everything that its answer depends on.

use crate::{Fetch, From, Plan, Run, RunRoot, Step, StepKind};
use groundup_digest::{ObjectId, StepKey, Writer};
use groundup_recipe::Permissions;

/// Version of how questions are encoded; part of every key.
const ENCODING: u32 = 1;

impl Step {
    /// The key, given the ids of the inputs in their order.
    ///
    /// The table of the crate's documentation lists what enters.
    pub fn key(&self, inputs: &[ObjectId]) -> StepKey {
        let mut writer = Writer::new();
        writer.u32(ENCODING);
        match &self.kind {
            StepKind::Fetch(fetch) => write_fetch(&mut writer, fetch),
            StepKind::Run(run) => write_run(&mut writer, run),
            StepKind::Assemble(assemble) => {
                writer.u8(3).str(assemble.assembler.name()).u32(assemble.assembler.version());
                writer.str(&assemble.params);
            }
        }
        let named = self.inputs.iter().zip(inputs).collect::<Vec<_>>();
        writer.seq(named, |writer, (input, id)| {
            writer.str(&input.name);
            id.write(writer);
        });
        writer.seq(&self.outputs, |writer, output| {
            writer.str(output);
        });
        StepKey::of_encoded(writer.as_bytes())
    }
}

fn write_fetch(writer: &mut Writer, fetch: &Fetch) {
    writer.u8(1);
    match fetch {
        Fetch::File { sha256, size, locations: _ } => {
            writer.u8(1).digest(sha256.as_bytes()).u64(*size)
        }
        Fetch::Git { commit, tree: _, url: _ } => writer.u8(2).str(commit),
        Fetch::Image { digest, platforms, .. } => {
            let platforms = platforms.iter().map(|platform| platform.as_str());
            writer.u8(3).digest(digest.as_bytes()).seq(platforms, |writer, platform| {
                writer.str(platform);
            })
        }
    };
}

fn write_run(writer: &mut Writer, run: &Run) {
    writer.u8(2).u32(run.sandbox).str(run.platform.as_str());
    writer.seq(&run.argv, |writer, word| {
        writer.str(word);
    });
    writer.seq(&run.env, |writer, (name, value)| {
        writer.str(name).str(value);
    });
    writer.str(&run.cwd);
    let mut mounts = run.mounts.clone();
    mounts.sort();
    writer.seq(&mounts, |writer, mount| {
        writer.str(&mount.at).str(&mount.input);
    });
    let mut places = run.places.clone();
    places.sort();
    writer.seq(&places, |writer, place| {
        writer.str(&place.output).str(&place.place);
    });
    match (run.root, run.permissions) {
        (RunRoot::Discarded, Permissions::Normal) => writer.u8(0),
        (RunRoot::Discarded, Permissions::Keep) => writer.u8(1),
        (RunRoot::Kept { ownership }, _) => writer.u8(2).u32(ownership),
    };
    // Behind what is always there, so that the keys of other commands stay what they were.
    if let Some(reuse) = &run.reuse {
        writer.u8(1).option(reuse.symbols.as_ref(), |writer, symbols| {
            writer.str(symbols);
        });
    }
}

impl Plan {
    /// The ids of a step's inputs, as far as `resolve` knows the outputs of other steps; none when
    /// one is not known yet.
    pub fn input_ids(
        &self,
        step: &Step,
        mut resolve: impl FnMut(crate::StepIndex, &str) -> Option<ObjectId>,
    ) -> Option<Vec<ObjectId>> {
        let ids = step.inputs.iter().map(|input| match &input.from {
            From::Leaf { id, .. } => Some(*id),
            From::Step { step, output } => resolve(*step, output),
        });
        ids.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Input, Location, Mount, OutputPlace, Reuse, RunLimits, StepLabel};
    use groundup_digest::{BlobId, Sha256, TreeId};
    use groundup_recipe::Platform;

    fn run() -> Run {
        Run {
            argv: vec!["/bin/true".into()],
            env: [("A".to_owned(), "1".to_owned())].into(),
            cwd: "/build".into(),
            mounts: vec![Mount { at: "/".into(), input: "root".into() }],
            places: vec![OutputPlace { output: "out".into(), place: "/out".into() }],
            permissions: Permissions::Normal,
            platform: Platform::LinuxAmd64,
            sandbox: 1,
            reuse: None,
            root: RunRoot::Discarded,
            limits: RunLimits::default(),
        }
    }

    fn step(kind: StepKind) -> Step {
        let from = From::Leaf { label: "x".into(), id: ObjectId::Tree(TreeId::of_encoded(b"r")) };
        Step {
            label: StepLabel::new("build.x", "run"),
            kind,
            inputs: vec![Input { name: "root".into(), from }],
            outputs: vec!["out".into()],
            span: None,
        }
    }

    fn key(step: &Step) -> StepKey {
        step.key(&[ObjectId::Tree(TreeId::of_encoded(b"r"))])
    }

    #[test]
    fn each_part_of_a_command_changes_its_key() {
        let plain = key(&step(StepKind::Run(run())));
        let edits: [&dyn Fn(&mut Run); 12] = [
            &|run| run.argv.push("x".into()),
            &|run| drop(run.env.insert("A".into(), "2".into())),
            &|run| run.cwd = "/".into(),
            &|run| run.mounts[0].at = "/x".into(),
            &|run| run.places[0].place = "/out/x".into(),
            &|run| run.permissions = Permissions::Keep,
            &|run| run.platform = Platform::LinuxArm64,
            &|run| run.sandbox = 2,
            &|run| run.reuse = Some(Reuse::default()),
            &|run| run.reuse = Some(Reuse { symbols: Some("/build/x.h".into()) }),
            &|run| run.root = RunRoot::Kept { ownership: 1 },
            &|run| run.root = RunRoot::Kept { ownership: 2 },
        ];
        let mut keys = vec![plain];
        for edit in edits {
            let mut run = run();
            edit(&mut run);
            keys.push(key(&step(StepKind::Run(run))));
        }
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn inputs_change_the_key() {
        let step = step(StepKind::Run(run()));
        let other = [ObjectId::Tree(TreeId::of_encoded(b"s"))];
        assert_ne!(step.key(&other), key(&step));
        let same_digest =
            [ObjectId::Blob(BlobId::from_bytes(*TreeId::of_encoded(b"r").as_bytes()))];
        assert_ne!(step.key(&same_digest), key(&step));
    }

    #[test]
    fn labels_positions_limits_and_locations_change_nothing() {
        let plain = step(StepKind::Run(run()));
        let mut renamed = plain.clone();
        renamed.label = StepLabel::new("build.y", "run");
        if let StepKind::Run(run) = &mut renamed.kind {
            run.limits.memory = Some(1);
        }
        assert_eq!(key(&renamed), key(&plain));
        let fetch = |locations| {
            let (sha256, size) = (Sha256::of(b"x"), 1);
            key(&step(StepKind::Fetch(Fetch::File { sha256, size, locations })))
        };
        assert_eq!(fetch(vec![]), fetch(vec![Location::Url("https://mirror.invalid".into())]));
    }

    #[test]
    fn keys_are_pinned() {
        assert_eq!(
            key(&step(StepKind::Run(run()))).to_string(),
            "720f69027c46af78fd3f68d9d663c42c988e2ab171c67449391099358dd4a2d0"
        );
    }
}
