//! Makes archives byte by byte, hostile ones too, and packages in a store of its own.

use groundup_debian::{
    package::{Unpacked, unpack},
    rootfs::{Assembled, PackageInput, RootfsError, RootfsSpec, assemble, unpacked},
};
use groundup_digest::{BlobId, TreeId};
use groundup_provenance::Origins;
use groundup_store::{OpenOptions, Store};
use groundup_tree::{FileTree, Kind, Node, TreePath};

/// One entry of a tar archive.
#[derive(Clone)]
pub(crate) struct Entry {
    path: String,
    kind: u8,
    mode: u32,
    owner: (u32, u32),
    link: String,
    content: Vec<u8>,
    size: Option<u64>,
}

pub(crate) fn entry(kind: u8, path: &str) -> Entry {
    Entry {
        path: path.to_owned(),
        kind,
        mode: 0o644,
        owner: (0, 0),
        link: String::new(),
        content: Vec::new(),
        size: None,
    }
}

pub(crate) fn file(path: &str, content: impl AsRef<[u8]>) -> Entry {
    Entry { content: content.as_ref().into(), ..entry(b'0', path) }
}

pub(crate) fn dir(path: &str) -> Entry {
    entry(b'5', path).mode(0o755)
}

pub(crate) fn symlink(path: &str, target: &str) -> Entry {
    entry(b'2', path).mode(0o777).link(target)
}

pub(crate) fn hard_link(path: &str, target: &str) -> Entry {
    entry(b'1', path).link(target)
}

impl Entry {
    pub(crate) fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(crate) fn owner(self, uid: u32, gid: u32) -> Self {
        Self { owner: (uid, gid), ..self }
    }

    pub(crate) fn link(self, link: &str) -> Self {
        Self { link: link.to_owned(), ..self }
    }

    pub(crate) fn content(self, content: &[u8]) -> Self {
        Self { content: content.into(), ..self }
    }

    /// A size that the header claims.
    pub(crate) fn claims(self, size: u64) -> Self {
        Self { size: Some(size), ..self }
    }
}

/// A tar archive with a GNU header for each entry.
pub(crate) fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let mut header = [0u8; 512];
        let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
        put(0, &entry.path.as_bytes()[..entry.path.len().min(100)]);
        put(100, format!("{:07o}\0", entry.mode).as_bytes());
        put(108, format!("{:07o}\0", entry.owner.0).as_bytes());
        put(116, format!("{:07o}\0", entry.owner.1).as_bytes());
        let size = entry.size.unwrap_or(entry.content.len() as u64);
        put(124, format!("{size:011o}\0").as_bytes());
        put(136, b"00000000000\0");
        put(148, b"        ");
        put(156, &[entry.kind]);
        put(157, &entry.link.as_bytes()[..entry.link.len().min(100)]);
        put(257, b"ustar  \0");
        put(329, b"0000001\0");
        put(337, b"0000003\0");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend(header);
        bytes.extend(&entry.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    bytes
}

/// An `ar` archive of these members.
pub(crate) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let size = content.len();
        bytes.extend(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100644).bytes(),
        );
        bytes.extend(*content);
        if size % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

pub(crate) fn deb_of(control: &[Entry], data: &[Entry]) -> Vec<u8> {
    let (control, data) = (tar(control), tar(data));
    ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", &data)])
}

/// A package to be made.
#[derive(Clone)]
pub(crate) struct Package {
    name: String,
    version: String,
    arch: String,
    fields: String,
    control: Vec<Entry>,
    data: Vec<Entry>,
}

pub(crate) fn package(name: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: "1.0-1".to_owned(),
        arch: "amd64".to_owned(),
        fields: String::new(),
        control: Vec::new(),
        data: Vec::new(),
    }
}

impl Package {
    pub(crate) fn version(self, version: &str) -> Self {
        Self { version: version.to_owned(), ..self }
    }

    pub(crate) fn arch(self, arch: &str) -> Self {
        Self { arch: arch.to_owned(), ..self }
    }

    pub(crate) fn field(mut self, field: &str) -> Self {
        self.fields.push_str(field);
        self.fields.push('\n');
        self
    }

    pub(crate) fn control(mut self, name: &str, content: &str) -> Self {
        self.control.push(file(&format!("./{name}"), content));
        self
    }

    pub(crate) fn with(mut self, entry: Entry) -> Self {
        self.data.push(entry);
        self
    }
}

/// A store in a temporary directory, and packages in it.
pub(crate) struct World {
    pub(crate) store: Store,
    _dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store"), &OpenOptions::default()).unwrap();
        Self { store, _dir: dir }
    }

    pub(crate) fn blob(&self, bytes: &[u8]) -> BlobId {
        self.store.put_blob(bytes).unwrap().blob
    }

    pub(crate) fn tree(&self, id: TreeId) -> FileTree {
        self.store.load_tree(id).unwrap()
    }

    pub(crate) fn unpack(&self, deb: &[u8]) -> Unpacked {
        unpack(&self.store, self.blob(deb)).unwrap()
    }

    pub(crate) fn input(&self, package: &Package) -> PackageInput {
        let Package { name, version, arch, fields, control, data } = package;
        let text = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: M <m@x.invalid>\n\
             {fields}Description: short\n long\nHomepage: https://x.invalid\n"
        );
        let mut entries = vec![file("./control", text)];
        entries.extend(control.iter().cloned());
        let unpacked = self.unpack(&deb_of(&entries, data));
        PackageInput {
            name: name.clone(),
            version: version.clone(),
            arch: arch.clone(),
            label: format!("deb:{name}"),
            data: unpacked.data,
            control: unpacked.control,
        }
    }

    pub(crate) fn spec(&self, packages: &[Package]) -> RootfsSpec {
        RootfsSpec {
            arch: "amd64".to_owned(),
            packages: packages.iter().map(|package| self.input(package)).collect(),
            ..RootfsSpec::default()
        }
    }

    /// Assembles, forwards and backwards: the order of packages means nothing.
    pub(crate) fn assemble(&self, spec: &RootfsSpec) -> Result<Root, RootfsError> {
        self.both_ways(spec, assemble)
    }

    /// Merges packages whose scripts are to run, forwards and backwards.
    pub(crate) fn unpacked(&self, spec: &RootfsSpec) -> Result<Root, RootfsError> {
        self.both_ways(spec, unpacked)
    }

    fn both_ways(
        &self,
        spec: &RootfsSpec,
        make: fn(&Store, &RootfsSpec) -> Result<Assembled, RootfsError>,
    ) -> Result<Root, RootfsError> {
        let assembled = make(&self.store, spec);
        let mut reversed = spec.clone();
        reversed.packages.reverse();
        let again = make(&self.store, &reversed);
        let text = |result: &Result<Assembled, RootfsError>| format!("{result:?}");
        assert_eq!(text(&assembled), text(&again));
        self.root(assembled?)
    }

    pub(crate) fn root(&self, assembled: Assembled) -> Result<Root, RootfsError> {
        let origins = self.store.read_blob(assembled.origins).unwrap();
        let origins = Origins::from_bytes(&origins).unwrap();
        Ok(Root { store: self.store.clone(), tree: self.tree(assembled.tree), origins, assembled })
    }

    pub(crate) fn merge(&self, packages: &[Package]) -> Result<Root, RootfsError> {
        self.assemble(&self.spec(packages))
    }
}

/// An assembled root to ask questions.
#[derive(Debug)]
pub(crate) struct Root {
    store: Store,
    pub(crate) tree: FileTree,
    pub(crate) origins: Origins,
    pub(crate) assembled: Assembled,
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::parse(text.as_bytes()).unwrap()
}

impl Root {
    pub(crate) fn node(&self, at: &str) -> &Node {
        self.tree.get(&path(at)).unwrap_or_else(|| panic!("nothing at {at}"))
    }

    pub(crate) fn has(&self, at: &str) -> bool {
        self.tree.has(&path(at))
    }

    pub(crate) fn text(&self, at: &str) -> String {
        match self.node(at).kind {
            Kind::File { blob, .. } => {
                String::from_utf8(self.store.read_blob(blob).unwrap()).unwrap()
            }
            ref other => panic!("{at} is a {}", other.noun()),
        }
    }

    pub(crate) fn target(&self, at: &str) -> String {
        match &self.node(at).kind {
            Kind::Symlink { target } => String::from_utf8(target.to_vec()).unwrap(),
            other => panic!("{at} is a {}", other.noun()),
        }
    }

    pub(crate) fn origin(&self, at: &str) -> &str {
        self.origins.get(&path(at)).unwrap_or("(none)")
    }
}

impl World {
    pub(crate) fn read(&self, root: &Root, at: &str) -> Vec<u8> {
        match root.node(at).kind {
            Kind::File { blob, .. } => self.store.read_blob(blob).unwrap(),
            ref other => panic!("{at} is a {}", other.noun()),
        }
    }
}
