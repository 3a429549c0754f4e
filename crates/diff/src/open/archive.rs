//! Whether a file is the archive of an image, compressed or not.

use super::image::{DOCUMENT, is_saved};
use crate::{World, world::Held};
use groundup_unfold::{
    Bytes, Entry, Format, Limits, Sink, recognise, recognise_start, unfold, unfold_stream,
};
use std::{
    io::{self, Read},
    sync::Arc,
};

/// The tar archive of an image that a file is. One that is compressed is unpacked into the scratch
/// file, since places in it are wanted.
pub(super) fn of_image(
    world: &World<'_>,
    held: Held,
    bytes: &dyn Bytes,
) -> io::Result<Option<Arc<Held>>> {
    let Some(format) = recognise(bytes) else { return Ok(None) };
    if format == Format::Tar {
        return Ok(is_image(bytes).then(|| Arc::new(held)));
    }
    if !format.is_compression() {
        return Ok(None);
    }
    let mut packed = Packed { world, held: None };
    // One that is damaged is told of when it is compared.
    if unfold(format, bytes, &Limits::default(), &mut packed).is_err() {
        return Ok(None);
    }
    let Some(held) = packed.held else { return Ok(None) };
    let is_image = is_image(world.open(&held)?.as_ref());
    Ok(is_image.then(|| Arc::new(held)))
}

/// Whether a tar archive is that of an image: a layout, or what `docker save` writes. Others have a
/// `manifest.json` too, of another form.
fn is_image(bytes: &dyn Bytes) -> bool {
    let mut marks = Marks { met: false };
    let _ = unfold(Format::Tar, bytes, &Limits::default(), &mut marks);
    marks.met
}

/// Looks for what makes an archive that of an image, at whatever place, and stops at it.
struct Marks {
    met: bool,
}

impl Sink for Marks {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        self.met = match &entry.path[..] {
            b"oci-layout" => true,
            b"manifest.json" => {
                let mut text = Vec::new();
                content.take(DOCUMENT).read_to_end(&mut text)?;
                is_saved(&text)
            }
            _ => false,
        };
        if self.met { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }

    fn unread(&mut self, _path: &[u8], _why: &str) {}
}

/// Whether the first name of an archive can be one of an image: others are not unpacked to find out.
fn is_plausible(name: &[u8]) -> bool {
    let top = name.split(|byte| *byte == b'/').next().unwrap_or_default();
    let digits = top.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    let known: [&[u8]; 5] =
        [b"blobs", b"oci-layout", b"index.json", b"manifest.json", b"repositories"];
    known.contains(&top) || digits >= 64
}

/// Whether an archive begins like one of an image.
#[derive(Default)]
struct First {
    is_plausible: bool,
}

impl Sink for First {
    fn entry(&mut self, entry: &Entry, _content: &mut dyn Read) -> io::Result<()> {
        // What `tar` makes of `.` begins with that.
        if entry.path.is_empty() {
            return Ok(());
        }
        self.is_plausible = is_plausible(&entry.path);
        Err(io::ErrorKind::Other.into())
    }

    fn unread(&mut self, _path: &[u8], _why: &str) {}
}

/// Takes what a compressed stream unpacks to, if that begins like the archive of an image.
struct Packed<'a> {
    world: &'a World<'a>,
    held: Option<Held>,
}

impl Sink for Packed<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        if entry.path != b"content" {
            return Ok(());
        }
        let mut start = Vec::new();
        content.take(64 << 10).read_to_end(&mut start)?;
        let mut first = First::default();
        if recognise_start(&start) == Some(Format::Tar) {
            let _ = unfold_stream(Format::Tar, &mut &start[..], &Limits::default(), &mut first);
        }
        if !first.is_plausible {
            return Err(io::ErrorKind::Other.into());
        }
        let (id, _) = self.world.take(&mut (&start[..]).chain(content))?;
        self.held = Some(self.world.held(id));
        Ok(())
    }

    fn unread(&mut self, _path: &[u8], _why: &str) {}
}
