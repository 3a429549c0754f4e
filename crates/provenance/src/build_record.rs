//! The record of a build: the resolved plan as a value, by stable labels.

use crate::{
    Circumstances, RecordError,
    step_record::{read_objects, write_objects},
};
use groundup_digest::{BuildId, ObjectId, Reader, RecordId, Sha256, StepKey, Writer};

/// What a build of some targets resolved to; written also when everything was reused.
///
/// Two builds are compared by the labels of their steps; nobody has to guess from an id to what
/// made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildRecord {
    /// Name of the workspace.
    pub workspace: String,
    /// The commit of the repository, with `-dirty` behind it where the work tree differs.
    pub commit: Option<String>,
    /// Digest of the lock file.
    pub lock: Option<Sha256>,
    /// What was asked for, and what it is.
    pub targets: Vec<RecordedTarget>,
    /// The steps, sorted by label.
    pub steps: Vec<RecordedStep>,
    /// When, how long, by whom.
    pub circumstances: Circumstances,
}

/// A target that was asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RecordedTarget {
    /// Its name, with the platform where it is made for one.
    pub name: String,
    /// Its outputs by name.
    pub outputs: Vec<(String, ObjectId)>,
}

/// A step of a build.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RecordedStep {
    /// Its stable label.
    pub label: String,
    /// Its key.
    pub key: StepKey,
    /// Recipe position or lock line, as `file:line`.
    pub position: Option<String>,
    /// Its inputs: name, label of the maker or leaf, id.
    pub inputs: Vec<(String, String, ObjectId)>,
    /// Its outputs by name.
    pub outputs: Vec<(String, ObjectId)>,
    /// The record of its [question](crate::Question); none in records of the first format.
    pub question: Option<RecordId>,
}

/// The formats of build records; the second says what was asked.
const FIRST: u32 = 1;
const WITH_QUESTIONS: u32 = 2;

impl BuildRecord {
    fn write_statement(&self, writer: &mut Writer) {
        writer.str(&self.workspace).option(self.commit.as_ref(), |writer, commit| {
            writer.str(commit);
        });
        writer.option(self.lock, |writer, lock| {
            writer.digest(lock.as_bytes());
        });
        writer.seq(&self.targets, |writer, target| {
            writer.str(&target.name);
            write_objects(writer, &target.outputs);
        });
        writer.seq(&self.steps, write_step);
    }

    /// The id of the build: everything but the circumstances, and the questions, which keys hold.
    pub fn id(&self) -> BuildId {
        let mut writer = Writer::new();
        self.write_statement(&mut writer);
        BuildId::of_encoded(writer.as_bytes())
    }

    /// The canonical encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let asked = self.steps.iter().any(|step| step.question.is_some());
        writer.u32(if asked { WITH_QUESTIONS } else { FIRST });
        self.write_statement(&mut writer);
        self.circumstances.write(&mut writer);
        if asked {
            writer.seq(&self.steps, |writer, step| {
                writer.option(step.question, |writer, question| {
                    writer.digest(question.as_bytes());
                });
            });
        }
        writer.finish()
    }

    /// Reads the canonical encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(bytes);
        let format = match reader.u32()? {
            format @ (FIRST | WITH_QUESTIONS) => format,
            newer => return Err(RecordError::Newer(newer)),
        };
        let workspace = reader.str()?.to_owned();
        let commit = reader.option(|reader| Ok(reader.str()?.to_owned()))?;
        let lock = reader.option(|reader| Ok(Sha256::from_bytes(reader.digest()?)))?;
        let targets = reader.seq(|reader| {
            Ok(RecordedTarget { name: reader.str()?.to_owned(), outputs: read_objects(reader)? })
        })?;
        let mut steps = reader.seq(read_step)?;
        let circumstances = Circumstances::read(&mut reader)?;
        if format == WITH_QUESTIONS {
            let questions =
                reader.seq(|reader| reader.option(|r| r.digest().map(RecordId::from_bytes)))?;
            if questions.len() != steps.len() || questions.iter().all(Option::is_none) {
                return Err(reader.invalid("questions").into());
            }
            for (step, question) in steps.iter_mut().zip(questions) {
                step.question = question;
            }
        }
        reader.end()?;
        Ok(Self { workspace, commit, lock, targets, steps, circumstances })
    }
}

fn write_step(writer: &mut Writer, step: &RecordedStep) {
    writer.str(&step.label).digest(step.key.as_bytes());
    writer.option(step.position.as_ref(), |writer, position| {
        writer.str(position);
    });
    writer.seq(&step.inputs, |writer, (name, label, id)| {
        writer.str(name).str(label);
        id.write(writer);
    });
    write_objects(writer, &step.outputs);
}

fn read_step(reader: &mut Reader<'_>) -> Result<RecordedStep, groundup_digest::DecodeError> {
    Ok(RecordedStep {
        label: reader.str()?.to_owned(),
        key: StepKey::from_bytes(reader.digest()?),
        position: reader.option(|reader| Ok(reader.str()?.to_owned()))?,
        inputs: reader.seq(|reader| {
            Ok((reader.str()?.to_owned(), reader.str()?.to_owned(), ObjectId::read(reader)?))
        })?,
        outputs: read_objects(reader)?,
        question: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step_record::tests::circumstances;
    use groundup_digest::BlobId;

    fn record() -> BuildRecord {
        let id = ObjectId::Blob(BlobId::of(b"x"));
        BuildRecord {
            workspace: "demo".into(),
            commit: Some("abc-dirty".into()),
            lock: Some(Sha256::of(b"lock")),
            targets: vec![RecordedTarget {
                name: "image.x".into(),
                outputs: vec![("out".into(), id)],
            }],
            steps: vec![RecordedStep {
                label: "image.x index".into(),
                key: StepKey::of_encoded(b"k"),
                position: Some("recipes/x.toml:3".into()),
                inputs: vec![("a".into(), "file:x".into(), id)],
                outputs: vec![("out".into(), id)],
                question: Some(RecordId::of_encoded(b"q")),
            }],
            circumstances: circumstances(1),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        assert_eq!(BuildRecord::from_bytes(&record().to_bytes()), Ok(record()));
    }

    #[test]
    fn a_record_of_the_first_format_has_no_questions() {
        let mut old = record();
        old.steps[0].question = None;
        let mut bytes = old.to_bytes();
        assert_eq!(bytes[0], 1);
        assert_eq!(BuildRecord::from_bytes(&bytes), Ok(old.clone()));
        assert_eq!(old.id(), record().id(), "a build is the same build");
        // One without questions is written in one way.
        bytes[0] = 2;
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(BuildRecord::from_bytes(&bytes).is_err());
    }

    #[test]
    fn a_newer_format_is_named() {
        let mut bytes = record().to_bytes();
        bytes[0] = 3;
        assert_eq!(BuildRecord::from_bytes(&bytes), Err(RecordError::Newer(3)));
    }

    #[test]
    fn the_time_of_a_build_is_no_part_of_its_id() {
        let later = BuildRecord { circumstances: circumstances(2), ..record() };
        assert_eq!(later.id(), record().id());
        let other = BuildRecord { commit: None, ..record() };
        assert_ne!(other.id(), record().id());
    }
}
