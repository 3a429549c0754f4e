//! Kernel images of Linux: what unpacks them, and the packed kernel as `payload`.
//!
//! Of x86, `setup`, `loader`, `payload` and `rest` are all that is in it
//! (`Documentation/arch/x86/boot.rst`); of the EFI form of other machines, `payload` between `loader`
//! and `rest` (`drivers/firmware/efi/libstub/zboot-header.S`).

use crate::{
    Bytes, Entry, EntryKind, UnfoldError,
    numbers::{byte, le16, le32, read, until_zero},
    walk::Walk,
};

const NAME: &str = "Linux kernel";

/// The parts of an image, as places.
struct Image {
    setup: u64,
    payload: u64,
    rest: u64,
    /// Where the version stands, or nowhere.
    version: u64,
    protocol: u16,
}

/// Whether bytes that start so may be a kernel image.
pub(crate) fn is_image(bytes: &dyn Bytes) -> bool {
    image(bytes).is_some()
}

fn image(bytes: &dyn Bytes) -> Option<Image> {
    let start = read(bytes, 0, 0x268).ok()?;
    let image = if start.get(0x202..0x206) == Some(b"HdrS") && le16(&start, 0x206) >= 0x208 {
        let sectors = match byte(&start, 0x1f1) {
            0 => 4,
            sectors => u64::from(sectors),
        };
        let setup = (sectors + 1) * 512;
        let payload = setup + u64::from(le32(&start, 0x248));
        let version = u64::from(le16(&start, 0x20e));
        Image {
            setup,
            payload,
            rest: payload + u64::from(le32(&start, 0x24c)),
            version: if version == 0 { 0 } else { version + 0x200 },
            protocol: le16(&start, 0x206),
        }
    } else if start.starts_with(b"MZ") && start.get(4..8) == Some(b"zimg") {
        let payload = u64::from(le32(&start, 8));
        let rest = payload + u64::from(le32(&start, 12));
        Image { setup: 0, payload, rest, version: 0, protocol: 0 }
    } else {
        return None;
    };
    (image.payload < image.rest && image.rest <= bytes.len()).then_some(image)
}

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let image = image(bytes).ok_or_else(|| UnfoldError::malformed(NAME, "it has no payload", 0))?;
    let mut top = Entry::plain(Vec::new(), EntryKind::Directory);
    if image.protocol > 0 {
        let protocol = format!("{}.{:02}", image.protocol >> 8, image.protocol & 0xff);
        top.fact("linux.boot-protocol", protocol);
    }
    if image.version > 0 {
        let left = bytes.len().saturating_sub(image.version).min(512);
        let version = read(bytes, image.version, left as usize)?;
        top.xattrs.push((b"linux.version".to_vec(), until_zero(&version).to_vec()));
    }
    walk.bare(&top)?;
    // All but gzip have the size of the kernel behind the packed bytes, which is no part of them.
    let magic = read(bytes, image.payload, 2).unwrap_or_default();
    let sized = image.protocol > 0 && magic != [0x1f, 0x8b] && image.rest - image.payload > 4;
    let end = if sized { image.rest - 4 } else { image.rest };
    let parts = [
        ("setup", 0, image.setup),
        ("loader", image.setup, image.payload),
        ("payload", image.payload, end),
        ("rest", end, bytes.len()),
    ];
    for (name, start, end) in parts {
        let length = end.saturating_sub(start);
        if length > 0 {
            let entry = Entry::plain(name.as_bytes().to_vec(), EntryKind::File(length));
            walk.range(entry, bytes, start, length)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        Format, recognise,
        testing::{damaged, walked},
    };

    #[test]
    fn the_payload_and_all_around_it_are_entries() {
        let mut image = vec![0x90; 0xc00];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x206..0x208].copy_from_slice(&0x20fu16.to_le_bytes());
        image[0x20e..0x210].copy_from_slice(&0x180u16.to_le_bytes());
        image[0x380..0x388].copy_from_slice(b"6.1.0 x\0");
        image[0x248..0x24c].copy_from_slice(&0x100u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&0x204u32.to_le_bytes());
        assert_eq!(recognise(&image), Some(Format::Linux));
        let seen = walked(Format::Linux, &image);
        assert_eq!(seen.paths(), ["", "setup", "loader", "payload", "rest"]);
        assert_eq!(seen.facts("")["linux.version"], "6.1.0 x");
        assert_eq!(seen.facts("")["linux.boot-protocol"], "2.15");
        assert_eq!(seen.get("payload").1.len(), 0x200);
        let all: usize = seen.entries.iter().map(|(_, content)| content.len()).sum();
        assert_eq!(all, image.len());
        damaged(Format::Linux, &image);
    }
}
