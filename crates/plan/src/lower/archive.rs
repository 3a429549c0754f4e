//! Archives: the chain of trust as steps, and the fetch of single files.

use super::{Lowering, input, output};
use crate::{
    Assembler, Fetch, From, Input, Location, PlanError, StepIndex, StepKind, StepLabel,
    leaf::file_label,
    params::{Claim, Index, IndexFile, Keyring as KeyringParams, Select},
};
use groundup_recipe::lock::{ArchivePin, FilePin, KeyringPin};
use groundup_recipe::{Keyring, Span, TargetName};

impl Lowering<'_> {
    /// A step that gets one file.
    pub(crate) fn fetch_file(
        &mut self,
        label: StepLabel,
        file: &FilePin,
        location: Location,
        span: Option<Span>,
    ) -> StepIndex {
        let (sha256, size) = (file.sha256, file.size);
        let fetch = Fetch::File { sha256, size, locations: vec![location] };
        self.plan.add(label, || (StepKind::Fetch(fetch), vec![], vec!["out".into()]), span)
    }

    fn fetch_of_archive(
        &mut self,
        archive: &str,
        role: String,
        file: &FilePin,
        span: Span,
    ) -> StepIndex {
        let label = StepLabel::new(format!("archive {archive}"), role);
        let location = Location::Archive { archive: archive.into(), path: file.path.clone() };
        self.fetch_file(label, file, location, Some(span))
    }

    fn pin_of_archive(
        &self,
        target: &TargetName,
        archive: &str,
    ) -> Result<(ArchivePin, Span), PlanError> {
        let pin = self.lock.archives.get(archive).ok_or_else(|| PlanError::Unpinned {
            target: target.clone(),
            what: format!("the archive `{archive}`"),
            span: None,
        })?;
        Ok((pin.value.clone(), pin.span))
    }

    /// The step that verifies an archive and gives the table of what it vouches for.
    fn verified_index(
        &mut self,
        target: &TargetName,
        archive: &str,
    ) -> Result<StepIndex, PlanError> {
        let (pin, span) = self.pin_of_archive(target, archive)?;
        let owner = format!("archive {archive}");
        let keyring = self.keyring(target, archive, &pin, span)?;
        let release =
            self.fetch_of_archive(archive, "fetch InRelease".into(), &pin.inrelease, span);
        let mut inputs =
            vec![input("keyring", keyring), input("inrelease", output(release, "out"))];
        let mut indexes = Vec::new();
        for (number, (key, file)) in pin.indexes.iter().enumerate() {
            let step = self.fetch_of_archive(archive, format!("fetch index {key}"), file, span);
            inputs.push(input(format!("index.{number:02}"), output(step, "out")));
            let (component, arch) = (key.component.clone(), key.arch.clone());
            indexes.push(IndexFile { component, arch });
        }
        let params = Index { suite: pin.suite, indexes };
        let label = StepLabel::new(owner, "verify");
        let assembler = Assembler::DebianIndex;
        Ok(self.assemble(label, assembler, &params, inputs, &["out"], Some(span)))
    }

    fn keyring(
        &mut self,
        target: &TargetName,
        archive: &str,
        pin: &ArchivePin,
        span: Span,
    ) -> Result<From, PlanError> {
        match &pin.keyring {
            KeyringPin::File { file, .. } => {
                let declared = self.workspace.archives.get(archive).map(|archive| &archive.keyring);
                match declared {
                    Some(Keyring::File(path)) if path.as_str() == file => {
                        self.leaf(file_label(path))
                    }
                    _ => Err(PlanError::Unpinned {
                        target: target.clone(),
                        what: format!("the keyring of the archive `{archive}`"),
                        span: Some(span),
                    }),
                }
            }
            KeyringPin::Package { package, member } => {
                // An archive without a keyring of its own is lent that of another.
                let lender = pin.keyring_archive.as_deref().unwrap_or(archive);
                let fetch = self.fetch_of_archive(lender, "fetch keyring".into(), package, span);
                let params = KeyringParams { member: member.clone(), known_keys_only: true };
                let label = StepLabel::new(format!("archive {archive}"), "keyring");
                let inputs = vec![input("package", output(fetch, "out"))];
                let assembler = Assembler::DebianKeyring;
                let step = self.assemble(label, assembler, &params, inputs, &["out"], Some(span));
                Ok(output(step, "out"))
            }
        }
    }

    /// An input that is there only if the archive vouches for all of `claims`.
    pub(crate) fn vouched(
        &mut self,
        target: &TargetName,
        label: StepLabel,
        archive: &str,
        mut claims: Vec<Claim>,
        span: Span,
    ) -> Result<Input, PlanError> {
        let index = self.verified_index(target, archive)?;
        claims.sort();
        claims.dedup();
        let inputs = vec![input("index", output(index, "out"))];
        let assembler = Assembler::DebianSelect;
        let step =
            self.assemble(label, assembler, &Select { claims }, inputs, &["out"], Some(span));
        Ok(input(format!("verified.{archive}"), output(step, "out")))
    }
}
