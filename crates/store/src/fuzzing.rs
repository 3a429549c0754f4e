//! Private parsers of the store's files, for the fuzz targets alone; no promise of stability.

use crate::{
    format::Format,
    hints::Hint,
    journal::{Frame, Journal, JournalName},
    records::StoredRecord,
    results::Event,
    roots::Root,
    snapshot::stat_cache_round_trip,
    trees,
};
use std::{fs::File, path::PathBuf};

/// Scans `file` as a journal and reads what its frames say; gives how many whole frames there are.
/// Panics where a frame that was read is not written as it was, or where frames and damage do not
/// cover what was scanned.
pub fn scan_journal(journal: u8, file: File) -> u64 {
    let name = name(journal);
    let journal = Journal::of_file(name, PathBuf::from("journal"), file);
    let (mut frames, mut covered) = (0, journal.start());
    let scanned = journal.scan(0, |_, frame| {
        frames += 1;
        covered += frame.size();
        check_frame(name, &frame);
        Ok(())
    });
    let scanned = scanned.expect("a regular file can be read");
    covered += scanned.damage.iter().map(|damage| damage.length).sum::<u64>();
    assert_eq!(covered, scanned.end, "frames and damage stand one behind the other");
    frames
}

/// A frame as a journal has it.
pub fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    Frame { kind, payload: payload.to_vec() }.to_bytes()
}

/// The line that a journal starts with.
pub fn title(journal: u8) -> String {
    name(journal).title()
}

/// Reads one frame of a journal.
pub fn read_frame(journal: u8, kind: u8, payload: &[u8]) {
    check_frame(name(journal), &Frame { kind, payload: payload.to_vec() });
}

fn name(journal: u8) -> JournalName {
    match journal % 4 {
        0 => JournalName::Hints,
        1 => JournalName::Trees,
        2 => JournalName::Records,
        _ => JournalName::Results,
    }
}

fn check_frame(name: JournalName, frame: &Frame) {
    match name {
        JournalName::Hints => {
            if let Some(hint) = Hint::from_frame(frame) {
                assert_eq!(hint.to_frame(), *frame, "a hint is written as it was");
            }
        }
        JournalName::Trees => drop(trees::id_of_frame(frame)),
        JournalName::Records => drop(StoredRecord::from_frame(frame)),
        JournalName::Results => {
            if let Some((salt, event)) = Event::from_frame(frame) {
                assert_eq!(event.to_frame(salt), *frame, "a result is written as it was");
            }
        }
    }
}

/// Reads the text files of a store and its stat cache; panics where one that was read is not
/// written as it was.
pub fn read_files(bytes: &[u8]) {
    stat_cache_round_trip(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(root) = Root::parse(text) {
        assert_eq!(Root::parse(&root.to_text()), Ok(root), "a root is read as it was");
    }
    if let Ok(format) = Format::parse(text) {
        let again = Format::parse(&format.to_text());
        assert_eq!(again.as_ref(), Ok(&format), "a format is read as it was");
    }
}
