//! Reads a lock. It is written by groundup, so the first thing that does not fit ends each table:
//! the remedy is to lock again, not to repair by hand.

use super::{
    ArchivePin, FilePin, KeyringPin, LOCK_VERSION, Lock, PackageId, PackageOrigin, RootfsPin,
    SourcePin,
};
use crate::{
    At, Diagnostic, FileIndex, Platform, Sources, Span, check_name,
    form::parse_digest,
    node::{self, Field, Node, Table, Value},
};
use std::{collections::BTreeMap, str::FromStr};

impl Lock {
    /// Reads `text`, which is added to `sources` as `path`.
    pub fn parse(sources: &mut Sources, path: &str, text: &str) -> Result<Lock, Vec<Diagnostic>> {
        let file = sources.add(path, text);
        let root = node::parse(sources, file)?;
        let mut lock = Lock::default();
        let mut errors = Vec::new();
        if let Err(error) = version(&root, file) {
            return Err(vec![error]);
        }
        for (name, field) in &root {
            let result = match name.as_str() {
                "version" => Ok(()),
                "archive" => each(field, &mut errors, |name, field| {
                    let pin = archive(field)?;
                    lock.archives.insert(name.to_owned(), At::new(pin, field.key));
                    Ok(())
                }),
                "package" => each(field, &mut errors, |id, field| {
                    let pin = file_pin(&field.node)?;
                    let id = parsed(id, field.key)?;
                    lock.packages.insert(id, At::new(pin, field.key));
                    Ok(())
                }),
                "rootfs" => each(field, &mut errors, |name, field| {
                    named(name, field)?;
                    for (platform, field) in table(&field.node)? {
                        let platform: Platform = parsed(platform, field.key)?;
                        let pin = At::new(rootfs(field)?, field.key);
                        lock.rootfs.insert((name.to_owned(), platform), pin);
                    }
                    Ok(())
                }),
                "source" => each(field, &mut errors, |name, field| {
                    named(name, field)?;
                    let pin = source(field)?;
                    lock.sources.insert(name.to_owned(), At::new(pin, field.key));
                    Ok(())
                }),
                _ => Err(wrong(field.key, "not a part of a lock")),
            };
            errors.extend(result.err());
        }
        if errors.is_empty() {
            errors.extend(lock.dangling());
        }
        if errors.is_empty() { Ok(lock) } else { Err(errors) }
    }

    /// Packages of a rootfs must have a line that says what they are.
    fn dangling(&self) -> Vec<Diagnostic> {
        let packages = self.rootfs.values().flat_map(|pin| &pin.packages);
        let missing = packages.filter(|id| match &id.origin {
            PackageOrigin::Archive(name) => {
                !self.packages.contains_key(&id.value) || !self.archives.contains_key(name)
            }
            PackageOrigin::Source(name) => !self.sources.contains_key(name),
        });
        missing
            .map(|id| {
                wrong(id.span, "this package has no line in `[package]`, or its origin no table")
            })
            .collect()
    }
}

/// The message for anything that groundup would not have written.
fn wrong(span: Span, label: impl Into<String>) -> Diagnostic {
    Diagnostic::error("the lock is damaged")
        .label(span, label)
        .help("take the file from git again, or run `groundup lock` to resolve anew")
}

fn version(root: &Table, file: FileIndex) -> Result<(), Diagnostic> {
    match root.get("version") {
        Some(Field { node: Node { value: Value::Int(LOCK_VERSION), .. }, .. }) => Ok(()),
        Some(field) => {
            let title = "the lock is of another version of groundup";
            Err(Diagnostic::error(title)
                .label(field.node.span, format!("this one reads version {LOCK_VERSION}"))
                .help("run `groundup lock` to resolve anew, or use the groundup that wrote it"))
        }
        None => Err(wrong(Span::new(file, 0..0), "expected `version = 1`")),
    }
}

fn each(
    field: &Field,
    errors: &mut Vec<Diagnostic>,
    mut take: impl FnMut(&str, &Field) -> Result<(), Diagnostic>,
) -> Result<(), Diagnostic> {
    for (name, field) in table(&field.node)? {
        errors.extend(take(name, field).err());
    }
    Ok(())
}

fn table(node: &Node) -> Result<&Table, Diagnostic> {
    node.as_table().ok_or_else(|| wrong(node.span, "expected a table"))
}

fn named(name: &str, field: &Field) -> Result<(), Diagnostic> {
    check_name(name).map_err(|error| wrong(field.key, error.to_string()))
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &str, span: Span) -> Result<T, Diagnostic> {
    text.parse().map_err(|error: T::Err| wrong(span, error.to_string()))
}

fn text(node: &Node) -> Result<&str, Diagnostic> {
    node.as_text().ok_or_else(|| wrong(node.span, "expected a string"))
}

fn number(node: &Node) -> Result<u64, Diagnostic> {
    let number = match node.value {
        Value::Int(number) => u64::try_from(number).ok(),
        _ => None,
    };
    number.ok_or_else(|| wrong(node.span, "expected a number, 0 or more"))
}

fn list(node: &Node) -> Result<&[Node], Diagnostic> {
    node.as_list().ok_or_else(|| wrong(node.span, "expected a list"))
}

fn texts(node: &Node) -> Result<Vec<String>, Diagnostic> {
    list(node)?.iter().map(|item| text(item).map(str::to_owned)).collect()
}

fn file_pin(node: &Node) -> Result<FilePin, Diagnostic> {
    let [path, size, sha256] = list(node)? else {
        return Err(wrong(node.span, "expected `[path, size, sha256]`"));
    };
    Ok(FilePin {
        path: text(path)?.to_owned(),
        size: number(size)?,
        sha256: parsed(text(sha256)?, sha256.span)?,
    })
}

/// The keys of one table, of which each is taken once.
struct Keys<'a> {
    table: BTreeMap<&'a str, &'a Field>,
    at: Span,
}

impl<'a> Keys<'a> {
    fn of(field: &'a Field) -> Result<Self, Diagnostic> {
        let table = table(&field.node)?.iter().map(|(name, field)| (name.as_str(), field));
        Ok(Self { table: table.collect(), at: field.key })
    }

    fn maybe(&mut self, key: &str) -> Option<&'a Node> {
        self.table.remove(key).map(|field| &field.node)
    }

    fn take(&mut self, key: &str) -> Result<&'a Node, Diagnostic> {
        self.maybe(key).ok_or_else(|| wrong(self.at, format!("lacks `{key}`")))
    }

    fn text(&mut self, key: &str) -> Result<String, Diagnostic> {
        text(self.take(key)?).map(str::to_owned)
    }

    fn get<T: FromStr<Err: std::fmt::Display>>(&mut self, key: &str) -> Result<T, Diagnostic> {
        let node = self.take(key)?;
        parsed(text(node)?, node.span)
    }

    fn end(self) -> Result<(), Diagnostic> {
        match self.table.values().next() {
            Some(field) => Err(wrong(field.key, "not a key of this table")),
            None => Ok(()),
        }
    }
}

fn archive(field: &Field) -> Result<ArchivePin, Diagnostic> {
    let mut keys = Keys::of(field)?;
    let keyring = match keys.maybe("keyring_file") {
        Some(node) => match list(node)? {
            [file, sha256] => KeyringPin::File {
                file: text(file)?.to_owned(),
                sha256: parsed(text(sha256)?, sha256.span)?,
            },
            _ => return Err(wrong(node.span, "expected `[file, sha256]`")),
        },
        None => KeyringPin::Package {
            package: file_pin(keys.take("keyring")?)?,
            member: keys.text("keyring_member")?,
        },
    };
    let keyring_archive = match &keyring {
        KeyringPin::Package { .. } => keys.maybe("keyring_archive").map(text).transpose()?,
        KeyringPin::File { .. } => None,
    };
    let mut indexes = BTreeMap::new();
    for (name, field) in keys.maybe("indexes").map(table).transpose()?.into_iter().flatten() {
        indexes.insert(parsed(name, field.key)?, file_pin(&field.node)?);
    }
    let pin = ArchivePin {
        suite: keys.text("suite")?,
        components: texts(keys.take("components")?)?,
        date: keys.text("date")?,
        verified: keys.text("verified")?,
        signed_by: texts(keys.take("signed_by")?)?,
        inrelease: file_pin(keys.take("inrelease")?)?,
        keyring,
        keyring_archive: keyring_archive.map(str::to_owned),
        indexes,
    };
    keys.end()?;
    Ok(pin)
}

fn rootfs(field: &Field) -> Result<RootfsPin, Diagnostic> {
    let mut keys = Keys::of(field)?;
    let request = keys.get("request")?;
    let packages = list(keys.take("packages")?)?.iter().map(|node| {
        let id: PackageId = parsed(text(node)?, node.span)?;
        Ok(At::new(id, node.span))
    });
    let mut packages = packages.collect::<Result<Vec<_>, Diagnostic>>()?;
    packages.sort();
    keys.end()?;
    Ok(RootfsPin { request, packages })
}

fn source(field: &Field) -> Result<SourcePin, Diagnostic> {
    let mut keys = Keys::of(field)?;
    let pin = if let Some(url) = keys.maybe("url") {
        SourcePin::Url {
            url: text(url)?.to_owned(),
            size: number(keys.take("size")?)?,
            sha256: keys.get("sha256")?,
        }
    } else if let Some(url) = keys.maybe("git") {
        SourcePin::Git {
            url: text(url)?.to_owned(),
            rev: keys.text("rev")?,
            commit: keys.text("commit")?,
            tree: keys.text("tree")?,
        }
    } else if let Some(package) = keys.maybe("dsc") {
        SourcePin::Dsc {
            archive: keys.text("archive")?,
            package: text(package)?.to_owned(),
            version: keys.text("version")?,
            files: list(keys.take("files")?)?.iter().map(file_pin).collect::<Result<_, _>>()?,
        }
    } else if let Some(location) = keys.maybe("deb") {
        SourcePin::Deb {
            location: text(location)?.to_owned(),
            package: keys.text("package")?,
            version: keys.text("version")?,
            arch: keys.text("arch")?,
            size: number(keys.take("size")?)?,
            sha256: keys.get("sha256")?,
        }
    } else if let Some(location) = keys.maybe("oci") {
        let digest = keys.take("digest")?;
        SourcePin::Oci {
            location: text(location)?.to_owned(),
            digest: parse_digest(text(digest)?)
                .ok_or_else(|| wrong(digest.span, "expected `sha256:` and 64 digits"))?,
            size: number(keys.take("size")?)?,
            media_type: keys.text("media_type")?,
        }
    } else {
        return Err(wrong(field.key, "expected one of `url`, `git`, `dsc`, `deb` and `oci`"));
    };
    keys.end()?;
    Ok(pin)
}
