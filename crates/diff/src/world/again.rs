//! Reading again what was only hashed at first: all that is wanted of an archive in one more walk.
//!
//! What a walk meets is hashed and, if it is long, not kept: most of it is equal on both sides. The
//! few contents that differ are then unpacked once more, and have to be what they were.

use super::{
    World,
    held::{Held, Reading, Walked},
    scratch::Writing,
};
use groundup_digest::{BlobHasher, BlobId};
use groundup_tree::{Change, Difference, Kind, Node};
use groundup_unfold::{Entry, Limits, Sink, unfold_only, unfold_stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read, Write},
    sync::Arc,
};

/// Contents of so many bytes are kept when they are met in something packed: most are, and all that
/// readers of roots ask for.
pub(super) const KEPT: u64 = 1 << 20;

/// What is wanted of one walk: by place in the stream, or by path.
#[derive(Default)]
struct Wanted {
    ranges: BTreeMap<u64, (u64, BlobId)>,
    paths: BTreeMap<Vec<u8>, BlobId>,
}

impl World<'_> {
    /// Makes contents readable that were only hashed; what cannot be read again says so when it is.
    pub(crate) fn gather(&self, ids: impl IntoIterator<Item = BlobId>) {
        let mut walks: Vec<(Arc<Walked>, Wanted)> = Vec::new();
        for id in ids {
            let (walked, place) = match self.outside().contents.get(&id) {
                Some(Held::Packed(walked, start, size)) => {
                    (walked.clone(), Ok((*start, (*size, id))))
                }
                Some(Held::Entry(walked, path)) => (walked.clone(), Err((path.to_vec(), id))),
                _ => continue,
            };
            let known = walks.iter_mut().position(|(known, _)| Arc::ptr_eq(known, &walked));
            let index = known.unwrap_or_else(|| {
                walks.push((walked, Wanted::default()));
                walks.len() - 1
            });
            let Some((_, wanted)) = walks.get_mut(index) else { continue };
            match place {
                Ok((start, range)) => drop(wanted.ranges.insert(start, range)),
                Err((path, id)) => drop(wanted.paths.insert(path, id)),
            }
        }
        for (walked, wanted) in walks {
            let ids: Vec<BlobId> = wanted.ids().collect();
            let why = match self.walk_again(&walked, wanted) {
                Ok(()) => "it changed while it was read".to_owned(),
                Err(error) => error.to_string(),
            };
            let mut outside = self.change();
            for id in ids {
                // Whatever was not met again is lost.
                if let Some(held) = outside.contents.get_mut(&id)
                    && held.is_packed()
                {
                    *held = Held::Lost(why.as_str().into());
                }
            }
        }
    }

    fn walk_again(&self, walked: &Walked, wanted: Wanted) -> io::Result<()> {
        let bytes = self.open(&walked.held)?;
        let paths: BTreeSet<Vec<u8>> = wanted.paths.keys().cloned().collect();
        let whole = !wanted.ranges.is_empty();
        let mut again = Again { world: self, wanted, failed: None, done: false };
        let limits = Limits::default();
        let ended = match whole {
            true => unfold_stream(walked.format, &mut Reading::new(bytes), &limits, &mut again),
            false => unfold_only(walked.format, bytes.as_ref(), &limits, &paths, &mut again),
        };
        match (again.failed, ended) {
            (Some(error), _) => Err(error),
            (None, Err(error)) if !again.done => Err(io::Error::other(error.to_string())),
            _ => Ok(()),
        }
    }

    /// Gives contents that were not even hashed their ids, so that what differs in truth is left.
    pub(crate) fn settled(&self, differences: Vec<Difference>) -> io::Result<Vec<Difference>> {
        let is_unread = |node: &Node| match &node.kind {
            Kind::File { blob, .. } => self.outside().unhashed.contains(blob),
            _ => false,
        };
        let real = |mut node: Node| -> io::Result<Node> {
            if is_unread(&node)
                && let Kind::File { blob, .. } = &mut node.kind
            {
                *blob = self.hashed(*blob)?;
            }
            Ok(node)
        };
        let mut settled = Vec::with_capacity(differences.len());
        for Difference { path, change } in differences {
            let change = match change {
                Change::Added(node) => Change::Added(real(node)?),
                Change::Removed(node) => Change::Removed(real(node)?),
                Change::Changed(a, b) => {
                    let (a, b) = (real(a)?, real(b)?);
                    if a == b {
                        continue;
                    }
                    Change::Changed(a, b)
                }
            };
            settled.push(Difference { path, change });
        }
        Ok(settled)
    }

    /// The id of a content that has a stand-in.
    fn hashed(&self, stand_in: BlobId) -> io::Result<BlobId> {
        let mut hasher = BlobHasher::new();
        let mut content = Reading::new(self.bytes(stand_in)?);
        let mut buffer = vec![0; 1 << 16];
        loop {
            match content.read(&mut buffer)? {
                0 => break,
                count => hasher.update(&buffer[..count]),
            }
        }
        let id = hasher.id();
        let mut outside = self.change();
        if let Some(held) = outside.contents.get(&stand_in).cloned() {
            outside.contents.entry(id).or_insert(held);
        }
        Ok(id)
    }
}

impl Wanted {
    fn ids(&self) -> impl Iterator<Item = BlobId> + '_ {
        self.ranges.values().map(|(_, id)| *id).chain(self.paths.values().copied())
    }
}

struct Again<'a> {
    world: &'a World<'a>,
    wanted: Wanted,
    failed: Option<io::Error>,
    /// Whether all that was wanted was met, so that the walk could end.
    done: bool,
}

impl Again<'_> {
    /// Keeps a content if it is the one that is wanted, and says so.
    fn keep(&self, content: &mut dyn Read, id: BlobId) -> io::Result<bool> {
        let mut writing: Writing<'_> = self.world.scratch.begin(u64::MAX);
        copy(content, |bytes| writing.write_all(bytes))?;
        let (_, _, pieces) = writing.end(|found| found == id)?;
        let Some(pieces) = pieces else { return Ok(false) };
        self.world.change().contents.insert(id, Held::Scratch(pieces));
        Ok(true)
    }

    fn ranges(&mut self, content: &mut dyn Read) -> io::Result<()> {
        let mut at = 0;
        for (start, (size, id)) in std::mem::take(&mut self.wanted.ranges) {
            copy(&mut content.take(start.saturating_sub(at)), |_| Ok(()))?;
            self.keep(&mut content.take(size), id)?;
            at = start.saturating_add(size);
        }
        Ok(())
    }
}

impl Sink for Again<'_> {
    fn entry(&mut self, entry: &Entry, mut content: &mut dyn Read) -> io::Result<()> {
        if !self.wanted.ranges.is_empty() {
            if let Err(error) = self.ranges(&mut content) {
                self.failed = Some(io::Error::new(error.kind(), error.to_string()));
            }
            // Nothing behind the last one is wanted.
            self.done = true;
            return Err(io::ErrorKind::Other.into());
        }
        // A path may be there twice.
        if let Some(id) = self.wanted.paths.get(&entry.path).copied()
            && self.keep(content, id)?
        {
            self.wanted.paths.remove(&entry.path);
        }
        Ok(())
    }

    fn unread(&mut self, _path: &[u8], _why: &str) {}
}

/// Takes all of a content, and says its id and size; `otherwise` says where it is if it is not kept.
pub(super) fn take(
    world: &World<'_>,
    content: &mut dyn Read,
    most: u64,
    otherwise: impl FnOnce(u64) -> Held,
) -> io::Result<(BlobId, u64)> {
    let mut writing = world.scratch.begin(most);
    copy(content, |bytes| writing.write_all(bytes))?;
    let wanted = |id| !world.outside().contents.contains_key(&id);
    let (id, size, pieces) = writing.end(wanted)?;
    let mut outside = world.change();
    let held = pieces.map_or_else(|| otherwise(size), Held::Scratch);
    outside.contents.entry(id).or_insert(held);
    Ok((id, size))
}

thread_local! {
    /// What contents are read through; most are much smaller.
    static BUFFER: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::new(vec![0; 1 << 17]);
}

/// Hands all of a content to `to`, piece by piece.
pub(super) fn copy(
    content: &mut dyn Read,
    mut to: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    // Taken out, since what is read may come from another content that is being read.
    let mut buffer = BUFFER.with(std::cell::RefCell::take);
    if buffer.is_empty() {
        buffer = vec![0; 1 << 17];
    }
    let result = loop {
        match content.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => {
                if let Err(error) = to(&buffer[..count]) {
                    break Err(error);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    BUFFER.with(|kept| kept.replace(buffer));
    result
}
