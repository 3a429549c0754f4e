//! When and by whom something was done: kept, but never hashed.

use groundup_digest::{DecodeError, Reader, Writer};

/// The circumstances of an execution or a build. They stand behind the hashed part of a record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Circumstances {
    /// Start, in milliseconds since 1970.
    pub started_ms: u64,
    /// Duration in milliseconds.
    pub took_ms: u64,
    /// Version of groundup.
    pub builder: String,
    /// Operating system user and host, as `user@host`.
    pub by: String,
    /// CPU time in milliseconds, of user and system together.
    pub cpu_ms: u64,
    /// Highest memory use in bytes, where it was measured.
    pub peak_memory: Option<u64>,
    /// How limits were enforced, one sentence each.
    pub enforcement: Vec<String>,
}

impl Circumstances {
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u64(self.started_ms).u64(self.took_ms).str(&self.builder).str(&self.by);
        writer.u64(self.cpu_ms).option(self.peak_memory, |writer, bytes| {
            writer.u64(bytes);
        });
        writer.seq(&self.enforcement, |writer, sentence| {
            writer.str(sentence);
        });
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            started_ms: reader.u64()?,
            took_ms: reader.u64()?,
            builder: reader.str()?.to_owned(),
            by: reader.str()?.to_owned(),
            cpu_ms: reader.u64()?,
            peak_memory: reader.option(Reader::u64)?,
            enforcement: reader.seq(|reader| Ok(reader.str()?.to_owned()))?,
        })
    }
}
