//! Fields that say what this graph built: the digest, name or size of an image or a file.

use crate::{Finding, Object, Rule, pointer, yaml::Value};
use groundup_recipe::nearest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file of a target's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// What a field can speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An image, by `sha256:…`.
    Image(String),
    /// The files of an output, by path.
    Files(BTreeMap<String, FileDigest>),
}

/// A field that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The object's kind.
    pub kind: String,
    /// Its name, or `*`.
    pub name: String,
    /// Its namespace, where one is asked for.
    pub namespace: Option<String>,
    /// The field.
    pub pointer: String,
    /// What it says.
    pub value: String,
    /// The target that it speaks of, `kind.name` or `kind.name:output`.
    pub from: String,
    /// The file that is meant.
    pub file: Option<String>,
    /// What there is of it.
    pub subject: Subject,
}

impl Setting {
    /// Sets the field in every object that is meant.
    pub(crate) fn apply(&self, objects: &mut [Object], out: &mut Vec<Finding>) {
        let value = match self.said() {
            Ok(value) => value,
            Err(finding) => return out.push(finding),
        };
        let mut met = false;
        for object in objects.iter_mut().filter(|object| self.means(object)) {
            met = true;
            let set = pointer::set(&mut object.root, &self.pointer, Value::Text(value.clone()));
            if let Err(error) = set {
                let message = format!("`set` cannot reach `{}`: {error}", self.pointer);
                out.push(object.finding(Rule::Recipe, object.root.at, message));
            }
        }
        if !met {
            let message = format!("`set` means {}/{}, which no manifest has", self.kind, self.name);
            let names: Vec<String> = objects.iter().map(Object::title).collect();
            let title = format!("{}/{}", self.kind, self.name);
            let near = nearest(&title, names.iter().map(String::as_str));
            out.push(self.problem(message, near.map(|near| format!("did you mean {near}?"))));
        }
    }

    fn means(&self, object: &Object) -> bool {
        self.kind == object.kind
            && (self.name == "*" || self.name == object.name)
            && self.namespace.as_ref().is_none_or(|it| object.namespace.as_ref() == Some(it))
    }

    fn problem(&self, message: String, help: Option<String>) -> Finding {
        Finding { rule: Rule::Recipe, location: None, object: None, message, help }
    }

    /// The value with its words replaced.
    fn said(&self) -> Result<String, Finding> {
        let target = self.from.split(':').next().unwrap_or(&self.from);
        let name = target.split_once('.').map_or(target, |(_, name)| name);
        let (file, hex, size) = match &self.subject {
            Subject::Image(digest) => (None, digest.trim_start_matches("sha256:"), None),
            Subject::Files(files) => {
                let (path, file) = self.file(files)?;
                let base = path.rsplit('/').next().unwrap_or(path);
                (Some(base), file.sha256.as_str(), Some(file.size))
            }
        };
        let mut text = String::new();
        let mut rest = self.value.as_str();
        while let Some(start) = rest.find('{') {
            let Some(length) = rest[start..].find('}') else { break };
            let word = &rest[start + 1..start + length];
            text.push_str(&rest[..start]);
            // Other braces are those of what is said.
            if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
                text.push('{');
                rest = &rest[start + 1..];
                continue;
            }
            match (word, file, size) {
                ("digest", ..) => text.push_str(&format!("sha256:{hex}")),
                ("hex", ..) => text.push_str(hex),
                ("short", ..) => text.push_str(hex.get(..12).unwrap_or(hex)),
                ("name", ..) => text.push_str(name),
                ("file", Some(file), _) => text.push_str(file),
                ("size", _, Some(size)) => text.push_str(&size.to_string()),
                ("file" | "size", ..) => {
                    let message =
                        format!("`{{{word}}}` has no meaning for the image `{}`", self.from);
                    return Err(self.problem(message, None));
                }
                _ => {
                    let words = ["digest", "hex", "short", "name", "file", "size"];
                    let near = nearest(word, words);
                    let help = match near {
                        Some(near) => format!("did you mean `{{{near}}}`?"),
                        None => format!("the words are {{{}}}", words.join("}, {")),
                    };
                    let message = format!("`value` has the unknown word `{{{word}}}`");
                    return Err(self.problem(message, Some(help)));
                }
            }
            rest = &rest[start + length + 1..];
        }
        Ok(text + rest)
    }

    fn file<'a>(
        &'a self,
        files: &'a BTreeMap<String, FileDigest>,
    ) -> Result<(&'a str, &'a FileDigest), Finding> {
        let names = || {
            let names: Vec<String> =
                files.keys().take(12).map(|name| format!("`{name}`")).collect();
            format!("its files are {}", names.join(", "))
        };
        match (&self.file, files.len()) {
            (Some(file), _) => match files.get_key_value(file) {
                Some((path, digest)) => Ok((path, digest)),
                None => {
                    let message = format!("`{}` has no file `{file}`", self.from);
                    Err(self.problem(message, Some(names())))
                }
            },
            (None, 1) => {
                let only = files.iter().next();
                only.map(|(path, digest)| (path.as_str(), digest))
                    .ok_or_else(|| self.problem(format!("`{}` has no files", self.from), None))
            }
            (None, 0) => Err(self.problem(format!("`{}` has no files", self.from), None)),
            (None, number) => {
                let message = format!("`{}` has {number} files: say which with `file`", self.from);
                Err(self.problem(message, Some(names())))
            }
        }
    }
}
