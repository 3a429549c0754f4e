//! What pinned tools pack is read as the same tools unpack and list it.
//!
//! One step of a recipe makes a folder with all that is awkward, packs it with each tool, unpacks it with
//! the same tool, and lists what came out. The readers are given what was packed, and must say the same.

#![allow(clippy::unwrap_used, reason = "a test fails where it is surprised")]

use groundup_digest::Sha256;
use groundup_tests::{copy_recipes, in_workspace, succeed};
use groundup_unfold::{Bytes, Entry, EntryKind, Limits, Sink, recognise, unfold};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const RECIPE: &str = r#"
[build.packed]
rootfs = "rootfs.node-tools"
sources = { script = "source.packed" }
script = "sh /src/script/pack.sh"

[source.packed]
path = "packed"
"#;

const SCRIPT: &str = r#"
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
umask 022
mkdir -p /out/listed work/src && cd work

# A line for each path: mode, kind, size, digest or target, path.
list() {
    (cd "$1" && du -al . | cut -f 2- | while IFS= read -r path; do
        [ "$path" = . ] && continue
        mode=$(stat -c %a "$path")
        if [ -L "$path" ]; then echo "777 l 0 $(readlink "$path") ${path#./}"
        elif [ -d "$path" ]; then echo "$mode d 0 - ${path#./}"
        elif [ -p "$path" ]; then echo "$mode p 0 - ${path#./}"
        else echo "$mode f $(stat -c %s "$path") $(sha256sum < "$path" | cut -c -64) ${path#./}"
        fi
    done)
}

mkdir -p src/deep/er src/empty-directory src/many
seq 1 60000 > src/big
printf 'with spaces\n' > 'src/deep/er/a name with spaces'
printf 'beyond ascii\n' > 'src/deep/Ünïcode.txt'
: > src/empty
name=$(printf 'long%.0s' $(seq 1 22))
printf 'long\n' > "src/$name"
for number in $(seq 1 60); do echo "$number" > "src/many/file-$number"; done
chmod 600 src/many/file-1
cp -R src plain
# mtools have no names beyond ASCII without a table for them.
rm plain/deep/*.txt
truncate -s 3M src/sparse
printf 'in the middle' | dd of=src/sparse bs=1 seek=1500000 conv=notrunc status=none
ln -s ../big src/deep/link
ln src/big src/deep/hard
mkfifo src/pipe
chmod 4755 src/deep/er/*
chmod 1777 src/empty-directory

for comp in gzip xz zstd lz4; do
    mksquashfs src "/out/squashfs-$comp" -comp "$comp" -noappend -no-progress -quiet > said
done
mksquashfs src /out/squashfs-small -b 4096 -noappend -no-progress -quiet > said
mksquashfs src /out/squashfs-whole -no-fragments -noI -noD -noappend -no-progress -quiet > said
for image in /out/squashfs-*; do
    rm -rf unpacked
    unsquashfs -no-progress -quiet -no-xattrs -d unpacked "$image" > said
    # Whoever is not root is given no set-uid bit: the listing has it.
    unsquashfs -ll "$image" > ll
    [ "$(grep -c '^-rwsr-xr-x' ll)" = 1 ]
    list unpacked | sed 's/^755 f \(.*spaces\)$/4755 f \1/' > "/out/listed/${image##*/}"
done

pack() { name=$1; shift; tar "$@" -C src -cf "/out/tar-$name" .; }
pack pax --format=pax
pack gnu --format=gnu
pack ustar --format=ustar
pack sparse --format=gnu -S
for version in 0.0 0.1 1.0; do pack "sparse-$version" --format=pax -S --sparse-version=$version; done
for image in /out/tar-*; do
    rm -rf unpacked && mkdir unpacked
    tar -C unpacked -xpf "$image"
    list unpacked > "/out/listed/${image##*/}"
done

for kind in '12 4000' '16 20000' '32 40000'; do
    set -- $kind
    mkfs.vfat -C -F "$1" "/out/fat-$1" "$2" > said
    (cd plain && mcopy -s -i "/out/fat-$1" * ::/)
    rm -rf unpacked && mkdir unpacked
    mcopy -s -n -i "/out/fat-$1" '::/*' unpacked/
    list unpacked > "/out/listed/fat-$1"
done

# The content of each is what it was made from.
for format in zstd gzip xz lz4; do zstd -q --format=$format -c src/big > "/out/stream-$format"; done
sha256sum < src/big | cut -c -64 > /out/listed/stream
qemu-img convert -f raw -O qcow2 /out/fat-16 /out/qcow2-plain
qemu-img convert -f raw -O qcow2 -c /out/fat-16 /out/qcow2-deflate
qemu-img convert -f raw -O qcow2 -c -o compression_type=zstd /out/fat-16 /out/qcow2-zstd
sha256sum < /out/fat-16 | cut -c -64 > /out/listed/qcow2

truncate -s 64M /out/disk-gpt
printf 'label: gpt\nsize=8192, name=one\nsize=20480, name="two words"\nname=rest\n' | sfdisk -q /out/disk-gpt
truncate -s 64M /out/disk-mbr
printf 'label: dos\nsize=8192, type=83\nsize=40960, type=5\nsize=8192, type=83\ntype=c\n' | sfdisk -q /out/disk-mbr
for disk in gpt mbr; do sfdisk -d /out/disk-$disk > "/out/listed/disk-$disk"; done

mkdir objects && cd objects
for name in one two a-name-of-more-than-sixteen-letters; do
    echo "$name" > "$name" && ld -r -b binary -o "$name.o" "$name"
done
ar rcs /out/ar ./*.o
list . | grep '\.o$' > /out/listed/ar
nm -s /out/ar | grep -c ' in ' > /out/listed/index
"#;

/// What the step made.
fn packed() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packed-tests");
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(&root).output();
        let _ = fs::remove_dir_all(&root);
        copy_recipes(&root);
        fs::write(root.join("recipes/packed.toml"), RECIPE).unwrap();
        fs::create_dir(root.join("packed")).unwrap();
        fs::write(root.join("packed/pack.sh"), SCRIPT).unwrap();
        succeed(in_workspace(&root).args(["build", "build.packed", "--out", "out"]));
        root.join("out/build.packed")
    })
}

/// A line as the script writes it for each path.
#[derive(Default)]
struct Lines {
    lines: BTreeMap<String, String>,
    entries: BTreeMap<String, Entry>,
    unread: Vec<String>,
}

impl Sink for Lines {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        let line = match &entry.kind {
            EntryKind::Directory => format!("{:o} d 0 -", entry.mode),
            EntryKind::File(_) => {
                format!("{:o} f {} {}", entry.mode, bytes.len(), Sha256::of(&bytes))
            }
            EntryKind::Symlink(target) => format!("777 l 0 {}", String::from_utf8_lossy(target)),
            EntryKind::HardLink(first) => self.lines[&*String::from_utf8_lossy(first)].clone(),
            EntryKind::Fifo => format!("{:o} p 0 -", entry.mode),
            other => format!("{other:?}"),
        };
        self.entries.insert(path.clone(), entry.clone());
        if !path.is_empty() {
            self.lines.insert(path, line);
        }
        Ok(())
    }

    fn unread(&mut self, path: &[u8], why: &str) {
        self.unread.push(format!("{}: {why}", path.escape_ascii()));
    }
}

fn read(name: &str) -> Lines {
    let bytes = fs::File::open(packed().join(name)).unwrap();
    let format = recognise(&bytes).unwrap_or_else(|| panic!("{name} is recognised"));
    let mut lines = Lines::default();
    unfold(format, &bytes, &Limits::default(), &mut lines).unwrap();
    assert!(lines.unread.is_empty(), "{name}: {:?}", lines.unread);
    lines
}

fn listed(name: &str) -> String {
    fs::read_to_string(packed().join("listed").join(name)).unwrap()
}

/// The lines of the tool's own listing by path; `shown` leaves out what the format has not.
fn by_path(name: &str, shown: impl Fn(&str) -> String) -> BTreeMap<String, String> {
    let text = listed(name);
    let lines = text.lines().map(|line| {
        let words: Vec<&str> = line.splitn(5, ' ').collect();
        (words[4].to_owned(), shown(&words[..4].join(" ")))
    });
    lines.collect()
}

/// Both have the same paths with the same lines.
fn same(name: &str, ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) {
    let paths = ours.keys().chain(theirs.keys());
    let differ: Vec<_> = paths
        .filter(|path| ours.get(*path) != theirs.get(*path))
        .map(|path| (path, ours.get(path), theirs.get(path)))
        .collect();
    assert!(differ.is_empty(), "{name}: path, ours, theirs: {differ:#?}");
}

#[test]
fn file_systems_and_archives_hold_what_their_tools_unpack() {
    let tar = ["pax", "gnu", "ustar", "sparse", "sparse-0.0", "sparse-0.1", "sparse-1.0"];
    let squashfs = ["gzip", "xz", "zstd", "lz4", "small", "whole"];
    let names = tar.map(|it| format!("tar-{it}")).into_iter();
    for name in names.chain(squashfs.map(|it| format!("squashfs-{it}"))) {
        let theirs = by_path(&name, str::to_owned);
        assert!(theirs.len() > 70, "{name}");
        same(&name, &read(&name).lines, &theirs);
    }
}

#[test]
fn fat_holds_what_mtools_copy_out_of_it() {
    // It has no owners and no modes.
    let without_mode = |line: &str| line.split_once(' ').unwrap().1.to_owned();
    for name in ["fat-12", "fat-16", "fat-32"] {
        let ours = read(name).lines.into_iter();
        let ours: BTreeMap<_, _> = ours.map(|(path, line)| (path, without_mode(&line))).collect();
        same(name, &ours, &by_path(name, without_mode));
    }
}

#[test]
fn streams_and_disks_hold_what_they_were_made_from() {
    for (names, of) in [
        (&["stream-zstd", "stream-gzip", "stream-xz", "stream-lz4"][..], "stream"),
        (&["qcow2-plain", "qcow2-deflate", "qcow2-zstd"], "qcow2"),
    ] {
        for name in names {
            let lines = read(name).lines;
            let line = lines.values().next().unwrap();
            assert!(line.ends_with(listed(of).trim()), "{name}: {lines:?}");
        }
    }
}

#[test]
fn partitions_are_where_sfdisk_says() {
    for disk in ["disk-gpt", "disk-mbr"] {
        let text = listed(disk);
        let number = |line: &str, key: &str| -> u64 {
            let rest = line.split_once(key).unwrap().1;
            let digits: String = rest.trim().chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap()
        };
        // An extended partition only holds others.
        let lines = text.lines().filter(|line| line.contains("start=") && !line.contains("type=5"));
        let theirs: Vec<(u64, u64)> =
            lines.map(|line| (number(line, "start=") * 512, number(line, "size=") * 512)).collect();
        assert!(theirs.len() >= 3, "{text}");
        let entries = read(disk).entries.into_values();
        let mut ours: Vec<(u64, u64)> = entries
            .filter_map(|entry| match (entry.at, entry.kind) {
                (Some(at), EntryKind::File(size)) if at > 0 => Some((at, size)),
                _ => None,
            })
            .collect();
        ours.sort_unstable();
        assert_eq!(ours, theirs, "{disk}: {text}");
    }
}

#[test]
fn a_static_library_has_the_members_and_the_index_that_binutils_see() {
    let read = read("ar");
    // Modes, owners and times are left out by `ar` itself.
    let content = |line: &str| line.split_once(' ').unwrap().1.to_owned();
    let ours = read.lines.iter().map(|(path, line)| (path.clone(), content(line)));
    assert_eq!(ours.collect::<BTreeMap<_, _>>(), by_path("ar", content));
    let told = &read.entries[""].xattrs[0];
    assert_eq!(told.0, b"ar.index");
    assert_eq!(String::from_utf8_lossy(&told.1), format!("{} symbols", listed("index").trim()));
}

#[test]
fn a_content_that_stands_in_one_piece_is_where_it_is_said_to_be() {
    for name in ["tar-pax", "tar-gnu", "ar", "disk-gpt"] {
        let bytes = fs::File::open(packed().join(name)).unwrap();
        let read = read(name);
        let mut met = 0;
        for (path, entry) in &read.entries {
            let (Some(at), EntryKind::File(size)) = (entry.at, &entry.kind) else { continue };
            let mut content = vec![0; *size as usize];
            bytes.read_at(at, &mut content).unwrap();
            assert!(read.lines[path].ends_with(&Sha256::of(&content).to_string()), "{path}");
            met += 1;
        }
        assert!(met >= 3, "{name}");
    }
}
