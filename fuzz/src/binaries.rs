//! Two builds of a binary, type data, and what kernels are made of.

use crate::input::Input;
use groundup_meaning::{Format, Limits, Meaning, Pair, compare, count_types, parts};

/// Compares twice: the same has to be told, and nothing of equal bytes only.
fn compared(path: &str, before: &[u8], after: &[u8]) -> Meaning {
    let pair = Pair { path, before, after };
    let found = compare(&pair, &Limits::default());
    assert_eq!(found, compare(&pair, &Limits::default()), "it depends on something else");
    let is_empty = found.findings.is_empty();
    assert_eq!(is_empty, before == after, "{path}: {:?}", found.format);
    for bytes in [before, after] {
        assert!(parts(bytes).iter().all(|part| bytes.get(part.range.clone()).is_some()));
    }
    found
}

/// Two ELF files; in one variant the second is the first with some bytes set.
pub(crate) fn elf(data: &[u8]) {
    let (variant, rest) = Input::split(data);
    let mut input = Input(rest);
    let before = input.part();
    let mut after = input.0.to_vec();
    if variant % 2 == 1 {
        after = before.to_vec();
        for patch in input.0.chunks_exact(3) {
            let at = usize::from(patch[0]) | usize::from(patch[1]) << 8;
            if let Some(byte) = after.get_mut(at) {
                *byte = patch[2];
            }
        }
    }
    compared("usr/lib/x.so", before, &after);
    let both = [before, &after].iter().all(|bytes| bytes.starts_with(b"\x7fELF"));
    let format = compared("usr/lib/x.so", &after, before).format;
    assert_eq!(format == Format::Elf, both);
}

/// Type data of a kernel, and of a module that continues it.
pub(crate) fn btf(data: &[u8]) {
    let (variant, rest) = Input::split(data);
    let mut input = Input(rest);
    let found = match variant % 2 {
        0 => count_types(rest, None),
        _ => {
            let base = input.part();
            count_types(input.0, Some(base))
        }
    };
    match found {
        Ok(count) => assert!(count > 0),
        Err(why) => assert!(!why.is_empty()),
    }
}

/// Configurations, maps, tables, facts, images: the first byte names the file.
pub(crate) fn files(data: &[u8]) {
    const PATHS: [&str; 12] = [
        "boot/config-6.1",
        "boot/System.map-6.1",
        "lib/modules/6.1/modules.dep",
        "lib/modules/6.1/modules.builtin",
        "lib/modules/6.1/modules.alias",
        "lib/modules/6.1/modules.builtin.modinfo",
        "lib/modules/6.1/modules.symbols",
        "kernel.json",
        "boot/vmlinuz",
        "efi/linux.efi",
        "x.pyc",
        "x.mo",
    ];
    let (variant, rest) = Input::split(data);
    let mut input = Input(rest);
    let before = input.part();
    compared(PATHS[usize::from(variant) % PATHS.len()], before, input.0);
}
