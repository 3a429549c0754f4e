//! The loader's cache over libraries that are made here.

use super::make::{World, file, package, symlink};

/// A 64-bit ELF shared object that holds nothing but a soname.
fn library(machine: u16, soname: &str) -> Vec<u8> {
    let strings = [b"\0", soname.as_bytes(), b"\0"].concat();
    let (dynamic_at, strings_at) = (64 + 2 * 56, 64 + 2 * 56 + 3 * 16);
    let size = strings_at + strings.len();
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    bytes.resize(16, 0);
    let put = |bytes: &mut Vec<u8>, width: usize, value: u64| {
        bytes.extend(&value.to_le_bytes()[..width]);
    };
    // type, machine, version, entry, program headers, section headers, flags, sizes
    for (width, value) in [(2, 3), (2, u64::from(machine)), (4, 1), (8, 0), (8, 64), (8, 0), (4, 0)]
    {
        put(&mut bytes, width, value);
    }
    for value in [64, 56, 2, 64, 0, 0] {
        put(&mut bytes, 2, value);
    }
    for (kind, at, length) in [(1, 0, size), (2, dynamic_at, 48)] {
        put(&mut bytes, 4, kind);
        put(&mut bytes, 4, 4);
        let (at, length) = (at as u64, length as u64);
        for value in [at, at, at, length, length, 8] {
            put(&mut bytes, 8, value);
        }
    }
    for (tag, value) in [(5, strings_at as u64), (14, 1), (0, 0)] {
        put(&mut bytes, 8, tag);
        put(&mut bytes, 8, value);
    }
    bytes.extend(&strings);
    bytes
}

#[test]
fn libraries_of_the_configured_directories_are_found_by_soname() {
    let world = World::new();
    let root = world
        .merge(&[
            package("libc6")
                .version("2.36-9+deb12u10")
                .with(file("./etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n"))
                .with(file("./etc/ld.so.conf.d/x.conf", "# c\n/opt/lib/\n"))
                .with(file("./lib/x86_64-linux-gnu/libc.so.6", library(62, "libc.so.6"))),
            package("liba")
                .with(file("./opt/lib/liba.so.1.2", library(62, "liba.so.1")))
                .with(symlink("./opt/lib/liba.so.1", "liba.so.1.2"))
                .with(symlink("./opt/lib/liba.so", "liba.so.1.2"))
                .with(file("./usr/lib/libscript.so", "GROUP ( libc.so.6 )"))
                .with(file("./usr/lib/libarm.so.1", library(40, "libarm.so.1"))),
        ])
        .unwrap();
    let bytes = world.read(&root, "/etc/ld.so.cache");
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let text = |at: usize| {
        let end = bytes[at..].iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8(bytes[at..at + end].to_vec()).unwrap()
    };
    assert_eq!(&bytes[..20], b"glibc-ld.so.cache1.1");
    assert_eq!(number(20), 3, "a linker script and another machine give no entry");
    assert_eq!(number(48), 0x303);
    assert_eq!(text(number(52)), "libc.so.6");
    assert_eq!(text(number(56)), "/lib/x86_64-linux-gnu/libc.so.6");
    assert_eq!(text(number(80)), "/opt/lib/liba.so.1");
    // The compiler's link has an entry of its own, as ldconfig gives it one.
    assert_eq!(text(number(104)), "/opt/lib/liba.so");
    let generator = "ldconfig (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36";
    assert!(bytes.ends_with(generator.as_bytes()));
}

#[test]
fn a_root_without_the_c_library_has_no_cache() {
    let world = World::new();
    assert!(!world.merge(&[package("x")]).unwrap().has("/etc/ld.so.cache"));
}
