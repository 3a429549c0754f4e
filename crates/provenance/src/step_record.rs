//! The record of one execution of a step.

use crate::Circumstances;
use groundup_digest::{DecodeError, ObjectId, Reader, RecordId, StepKey, Writer};

/// One execution of a step: what was asked, what came out, and under which circumstances.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepRecord {
    /// The question.
    pub key: StepKey,
    /// What people called the step.
    pub label: String,
    /// What was done: `fetch`, `run ARGV…` or an assembler with its version.
    pub action: String,
    /// Inputs by name.
    pub inputs: Vec<(String, ObjectId)>,
    /// Outputs by name; none if the step failed.
    pub outputs: Vec<(String, ObjectId)>,
    /// How it ended.
    pub ending: Ending,
    /// Which of the logs of its key is its own, if it has one.
    pub log: Option<u32>,
    /// The child steps whose results it used, in the order of their ends.
    pub children: Vec<StepKey>,
    /// When, how long, by whom.
    pub circumstances: Circumstances,
}

/// How an execution ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// With its outputs.
    Done,
    /// Without, and why.
    Failed(String),
}

/// Why bytes are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes are not the encoding of a record.
    #[error("the record is malformed")]
    Malformed(#[from] DecodeError),
    /// The record is of a newer release.
    #[error("the record has format {0}, which is newer than this groundup")]
    Newer(u32),
}

const FIRST: u32 = 1;
/// Of a record that has children.
const WITH_CHILDREN: u32 = 2;

impl StepRecord {
    fn write_statement(&self, writer: &mut Writer) {
        writer.digest(self.key.as_bytes()).str(&self.label).str(&self.action);
        write_objects(writer, &self.inputs);
        write_objects(writer, &self.outputs);
        match &self.ending {
            Ending::Done => writer.u8(0),
            Ending::Failed(why) => writer.u8(1).str(why),
        };
    }

    /// The id of what the record states: everything but log and circumstances.
    pub fn statement(&self) -> RecordId {
        let mut writer = Writer::new();
        self.write_statement(&mut writer);
        RecordId::of_encoded(writer.as_bytes())
    }

    /// The canonical encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u32(if self.children.is_empty() { FIRST } else { WITH_CHILDREN });
        self.write_statement(&mut writer);
        writer.option(self.log, |writer, log| {
            writer.u32(log);
        });
        self.circumstances.write(&mut writer);
        if !self.children.is_empty() {
            writer.seq(&self.children, |writer, child| {
                writer.digest(child.as_bytes());
            });
        }
        writer.finish()
    }

    /// Reads the canonical encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(bytes);
        let format = match reader.u32()? {
            format @ (FIRST | WITH_CHILDREN) => format,
            newer => return Err(RecordError::Newer(newer)),
        };
        let key = StepKey::from_bytes(reader.digest()?);
        let (label, action) = (reader.str()?.to_owned(), reader.str()?.to_owned());
        let (inputs, outputs) = (read_objects(&mut reader)?, read_objects(&mut reader)?);
        let ending = match reader.u8()? {
            0 => Ending::Done,
            1 => Ending::Failed(reader.str()?.to_owned()),
            _ => return Err(reader.invalid("ending").into()),
        };
        let log = reader.option(Reader::u32)?;
        let circumstances = Circumstances::read(&mut reader)?;
        let children = match format {
            FIRST => Vec::new(),
            _ => reader.seq(|reader| reader.digest().map(StepKey::from_bytes))?,
        };
        if format == WITH_CHILDREN && children.is_empty() {
            return Err(reader.invalid("children").into());
        }
        reader.end()?;
        Ok(Self { key, label, action, inputs, outputs, ending, log, children, circumstances })
    }
}

/// Build records are still of the first format.
pub(crate) fn check_format(reader: &mut Reader<'_>) -> Result<(), RecordError> {
    match reader.u32()? {
        FIRST => Ok(()),
        newer => Err(RecordError::Newer(newer)),
    }
}

pub(crate) fn write_format(writer: &mut Writer) {
    writer.u32(FIRST);
}

pub(crate) fn write_objects(writer: &mut Writer, objects: &[(String, ObjectId)]) {
    writer.seq(objects, |writer, (name, id)| {
        writer.str(name);
        id.write(writer);
    });
}

pub(crate) fn read_objects(
    reader: &mut Reader<'_>,
) -> Result<Vec<(String, ObjectId)>, DecodeError> {
    reader.seq(|reader| Ok((reader.str()?.to_owned(), ObjectId::read(reader)?)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use groundup_digest::{BlobId, TreeId};

    pub(crate) fn circumstances(started_ms: u64) -> Circumstances {
        let enforcement = vec!["memory: cgroup v1".to_owned()];
        Circumstances { started_ms, peak_memory: Some(7), enforcement, ..Default::default() }
    }

    fn record(started_ms: u64) -> StepRecord {
        StepRecord {
            key: StepKey::of_encoded(b"k"),
            label: "build.x run".into(),
            action: "run /bin/true".into(),
            inputs: vec![("root".into(), ObjectId::Tree(TreeId::of_encoded(b"r")))],
            outputs: vec![("out".into(), ObjectId::Blob(BlobId::of(b"x")))],
            ending: Ending::Failed("exit code 2".into()),
            log: Some(1),
            children: vec![StepKey::of_encoded(b"child")],
            circumstances: circumstances(started_ms),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        assert_eq!(StepRecord::from_bytes(&record(1).to_bytes()), Ok(record(1)));
    }

    #[test]
    fn a_record_of_the_first_format_has_no_children() {
        let old = StepRecord { children: Vec::new(), ..record(1) };
        let mut bytes = old.to_bytes();
        assert_eq!(bytes[0], 1);
        assert_eq!(StepRecord::from_bytes(&bytes), Ok(old));
        // One that has none is written in one way.
        bytes[0] = 2;
        bytes.extend([0; 8]);
        assert!(StepRecord::from_bytes(&bytes).is_err());
    }

    #[test]
    fn circumstances_do_not_change_the_statement() {
        assert_eq!(record(1).statement(), record(2).statement());
        assert_ne!(record(1).to_bytes(), record(2).to_bytes());
    }

    #[test]
    fn a_newer_format_is_named() {
        let mut bytes = record(1).to_bytes();
        bytes[0] = 9;
        assert_eq!(StepRecord::from_bytes(&bytes), Err(RecordError::Newer(9)));
    }
}
