//! What diffoscope says, as claims: its report is a tree of files and of the outputs of commands on them.
//!
//! Of the outputs, listings of archives, `stat` and `readelf` are read. Disassembly, dumps of bytes,
//! strings, addresses and offsets give no claim of their own: that the file differs is one.

use super::{
    Claim, Kind, Place,
    listings::{Entry, Symbol, plain},
    ours::words_of,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The claims of a report.
pub fn claims(report: &Value) -> Vec<Claim> {
    let tops = ["source1", "source2"].map(|key| report[key].as_str().unwrap_or_default());
    let tops = tops.map(|top| format!("{top}/"));
    let mut reading = Reading { claims: Vec::new(), tops };
    let top = Place::default();
    reading.inside(report, &top, Unpacked::No);
    reading.claims
}

struct Reading {
    claims: Vec<Claim>,
    /// With what the paths of files begin, if directories are compared.
    tops: [String; 2],
}

/// Whether the one file in a node is what the node is when it is unpacked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unpacked {
    Yes,
    No,
}

impl Reading {
    fn claim(&mut self, place: &Place, kind: Kind, what: &str, values: [Option<String>; 2]) {
        let [before, after] = values;
        let what = what.to_owned();
        self.claims.push(Claim {
            place: place.clone(),
            kind,
            what,
            before,
            after,
            times: 1,
            words: Vec::new(),
        });
    }

    fn inside(&mut self, node: &Value, place: &Place, unpacked: Unpacked) {
        let details: Vec<&Value> = node["details"].as_array().into_iter().flatten().collect();
        let name = |detail: &Value| detail["source1"].as_str().unwrap_or_default().to_owned();
        let is_elf = details.iter().any(|detail| name(detail).starts_with("readelf "));
        // Sections are compared as dumps.
        let is_section = |detail: &Value| is_elf && name(detail).starts_with('.');
        for detail in details.into_iter().filter(|detail| !is_section(detail)) {
            let names = ["source1", "source2"].map(|key| detail[key].as_str().unwrap_or_default());
            let text = detail["unified_diff"].as_str().unwrap_or_default();
            if names[0] == "file list" {
                self.listing(place, text);
            } else if names[0] == "stat {}" {
                self.stat(place, text);
            } else if is_command(names[0]) {
                self.command(place, names[0], text);
            } else {
                self.file(detail, place, names, unpacked);
            }
        }
    }

    fn file(&mut self, node: &Value, outer: &Place, names: [&str; 2], unpacked: Unpacked) {
        if names[0] == "Pretty-printed" {
            // The same file, laid out anew.
            return self.lines(outer, node["unified_diff"].as_str().unwrap_or_default());
        }
        if let (Some(before), Some(after)) =
            (names[0].strip_prefix(&self.tops[0]), names[1].strip_prefix(&self.tops[1]))
        {
            // Directories stand in each other, each with its whole path.
            let place = Place::default().inside(before, after);
            return self.content(node, &place, [before, after].map(str::to_owned));
        }
        let names = names.map(plain);
        let twice = outer.before.last() == Some(&names[0]) && outer.after.last() == Some(&names[1]);
        let place = match unpacked {
            // Some files are told of as what they consist of: themselves.
            _ if twice => outer.clone(),
            Unpacked::Yes => outer.inside("content", "content"),
            Unpacked::No => outer.inside(&names[0], &names[1]),
        };
        self.content(node, &place, names);
    }

    fn content(&mut self, node: &Value, place: &Place, names: [String; 2]) {
        let text = node["unified_diff"].as_str().unwrap_or_default();
        let details = node["details"].as_array().map_or(0, Vec::len);
        let comments: Vec<&str> =
            node["comments"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if names[0] != names[1] {
            let values = names.clone().map(Some);
            self.claim(place, Kind::Renamed, "name", values);
        }
        if comments.contains(&"symlink") {
            let [before, after] = sides(text).map(|lines| {
                lines.iter().find_map(|line| line.strip_prefix("destination: ")).map(str::to_owned)
            });
            self.claim(place, Kind::Metadata, "target", [before, after]);
        } else {
            if !text.is_empty() || details > 0 || !comments.is_empty() {
                self.claim(place, Kind::Content, "content", [None, None]);
            }
            if !text.is_empty() && !is_dump(text) {
                self.lines(place, text);
            }
        }
        let packed = [".gz", ".xz", ".bz2", ".zst", ".lz4", ".lzma"];
        let is_packed = names.iter().any(|name| packed.iter().any(|end| name.ends_with(end)));
        let unpacked = if is_packed { Unpacked::Yes } else { Unpacked::No };
        self.inside(node, place, unpacked);
    }

    /// Lines by how many more of each there are: how a comparison pairs lines is no matter then.
    fn lines(&mut self, place: &Place, text: &str) {
        let lines = net(text);
        let of_side = |side: i64| -> BTreeSet<&str> {
            let lines = lines.iter().filter(|(_, count)| count.signum() == side);
            lines.flat_map(|(line, _)| words_of(line)).collect()
        };
        let (gone, new) = (of_side(-1), of_side(1));
        for (line, count) in &lines {
            let text = Some(line.clone());
            let values = if *count < 0 { [text, None] } else { [None, text] };
            self.claim(place, Kind::Line, "line", values);
            let others = if *count < 0 { &new } else { &gone };
            if let Some(claim) = self.claims.last_mut() {
                claim.times = count.abs();
                let own = words_of(line).filter(|word| !others.contains(word));
                claim.words = own.map(str::to_owned).collect();
            }
        }
        if is_control(place) {
            self.fields(place, text);
        }
    }

    /// Fields of the control file of a package; lines that begin with a space go on with a field.
    fn fields(&mut self, place: &Place, text: &str) {
        let [before, after] = sides(text).map(|lines| {
            let fields = lines
                .iter()
                .filter(|line| !line.starts_with(' '))
                .filter_map(|line| line.split_once(": "));
            fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect::<BTreeMap<_, _>>()
        });
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let values = [before.get(name).cloned(), after.get(name).cloned()];
            self.claim(place, Kind::Field, name, values);
        }
    }

    /// A listing as `tar` makes it, or names alone.
    fn listing(&mut self, place: &Place, text: &str) {
        if !sides(text).iter().flatten().any(|line| Entry::parse(line).is_some()) {
            return self.names(place, text);
        }
        let [before, after] = sides(text).map(|lines| {
            let entries = lines.into_iter().filter_map(Entry::parse);
            entries.map(|entry| (entry.name.clone(), entry)).collect::<BTreeMap<_, _>>()
        });
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let mut times = 0;
        for name in names {
            let at = place.inside(name, name);
            let (old, new) = match (before.get(name), after.get(name)) {
                (Some(_), None) => {
                    self.claim(&at, Kind::Removed, "entry", [Some(name.clone()), None]);
                    continue;
                }
                (None, Some(_)) => {
                    self.claim(&at, Kind::Added, "entry", [None, Some(name.clone())]);
                    continue;
                }
                (Some(old), Some(new)) => (old, new),
                (None, None) => continue,
            };
            times += usize::from(old.time != new.time);
            let kinds = [old, new].map(|entry| entry.mode[..1].to_owned());
            if kinds[0] != kinds[1] {
                self.claim(&at, Kind::Metadata, "kind", kinds.clone().map(Some));
            }
            let at = if name.is_empty() { place.clone() } else { at };
            // Links have no mode of their own.
            let has_mode = kinds.iter().all(|kind| kind != "l");
            let modes = if has_mode { [&old.mode, &new.mode] } else { [&kinds[0]; 2] };
            for (what, [a, b]) in [
                ("mode", modes.map(|mode| &mode[mode.len().min(1)..])),
                ("owner", [&*old.owner, &*new.owner]),
                ("group", [&*old.group, &*new.group]),
                ("device", [&*old.device, &*new.device]),
                ("target", [&*old.target, &*new.target]),
            ] {
                if a != b {
                    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
                    self.claim(&at, Kind::Metadata, what, [some(a), some(b)]);
                }
            }
        }
        if times > 0 {
            self.claim(place, Kind::Times, "times", [None, Some(times.to_string())]);
        }
    }

    /// The names in a directory.
    fn names(&mut self, place: &Place, text: &str) {
        let within = |path: &[String], name: &str| {
            path.first().map_or_else(|| name.to_owned(), |directory| format!("{directory}/{name}"))
        };
        for (name, count) in net(text) {
            let [before, after] = [&place.before, &place.after].map(|path| within(path, &name));
            let at = Place::default().inside(&before, &after);
            let kind = if count < 0 { Kind::Removed } else { Kind::Added };
            self.signed(&at, kind, "entry", &name, count);
        }
    }

    /// What `stat` says of a file on disk.
    fn stat(&mut self, place: &Place, text: &str) {
        let [before, after] = sides(text).map(|lines| {
            let mut found = BTreeMap::new();
            for line in lines {
                for (key, what) in [("Access: (", "mode"), ("Uid: (", "owner"), ("Gid: (", "group")]
                {
                    if let Some((_, rest)) = line.split_once(key) {
                        let value = rest.split(['/', ')']).next().unwrap_or_default().trim();
                        found.insert(what, value.to_owned());
                    }
                }
                if let Some(time) = line.strip_prefix("Modify: ") {
                    found.insert("time", time.to_owned());
                }
            }
            found
        });
        for what in ["mode", "owner", "group"] {
            if before.get(what) != after.get(what) {
                let values = [before.get(what).cloned(), after.get(what).cloned()];
                self.claim(place, Kind::Metadata, what, values);
            }
        }
        if before.get("time") != after.get("time") {
            self.claim(place, Kind::Times, "time on disk", [None, Some("1".to_owned())]);
        }
    }

    fn command(&mut self, place: &Place, command: &str, text: &str) {
        let Some(arguments) = command.strip_prefix("readelf --wide ") else { return };
        match arguments {
            "--symbols {}" => self.symbols(place, text),
            "--dynamic {}" => self.dynamic(place, text),
            "--notes {}" => {
                for (line, count) in net(text) {
                    let Some((_, id)) = line.split_once("Build ID: ") else { continue };
                    self.signed(place, Kind::BuildId, "build id", id, count);
                }
            }
            "--version-info {}" => {
                for (line, count) in net_of(text, |line| {
                    let (_, rest) = line.split_once("Name: ")?;
                    Some(rest.split_whitespace().next()?.to_owned())
                }) {
                    self.signed(place, Kind::Needs, "version", &line, count);
                }
            }
            "--sections {}" => {
                let name = |line: &str| {
                    let (_, rest) = line.split_once(']')?;
                    let name = rest.split_whitespace().next()?;
                    name.starts_with('.').then(|| name.to_owned())
                };
                for (name, count) in net_of(text, name) {
                    self.signed(place, Kind::Section, "section", &name, count);
                }
            }
            "--file-header {}" => {
                let [before, after] = sides(text).map(|lines| {
                    let pairs = lines.into_iter().filter_map(|line| line.trim().split_once(':'));
                    pairs.map(|(key, value)| (key, value.trim())).collect::<BTreeMap<_, _>>()
                });
                for key in ["Class", "Data", "OS/ABI", "Type", "Machine", "Flags"] {
                    if before.get(key) != after.get(key) {
                        let values = [&before, &after].map(|it| it.get(key).map(|it| (*it).into()));
                        self.claim(place, Kind::Header, key, values);
                    }
                }
            }
            _ => {}
        }
    }

    fn signed(&mut self, place: &Place, kind: Kind, what: &str, value: &str, count: i64) {
        let value = Some(value.to_owned());
        let values = if count < 0 { [value, None] } else { [None, value] };
        self.claim(place, kind, what, values);
    }

    /// Symbols that others can see: what came, went, or is of another kind.
    fn symbols(&mut self, place: &Place, text: &str) {
        let [before, after] = sides(text).map(|lines| {
            let symbols = lines.into_iter().filter_map(Symbol::parse);
            symbols.map(|symbol| (symbol.name.clone(), symbol)).collect::<BTreeMap<_, _>>()
        });
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            match (before.get(name), after.get(name)) {
                (Some(old), None) => {
                    let values = [Some(old.told()), None];
                    self.claim(place, Kind::Symbol, name, values);
                }
                (None, Some(new)) => {
                    let values = [None, Some(new.told())];
                    self.claim(place, Kind::Symbol, name, values);
                }
                (Some(old), Some(new)) if old.told() != new.told() => {
                    let values = [Some(old.told()), Some(new.told())];
                    self.claim(place, Kind::Symbol, name, values);
                }
                _ => {}
            }
        }
    }

    /// What the loader is told.
    fn dynamic(&mut self, place: &Place, text: &str) {
        let entry = |line: &str| {
            let (_, rest) = line.split_once('(')?;
            let (tag, value) = rest.split_once(')')?;
            let named = ["NEEDED", "SONAME", "RPATH", "RUNPATH", "FLAGS", "FLAGS_1"];
            let value = value.trim();
            let value = value.split_once('[').map_or(value, |(_, it)| it.trim_end_matches(']'));
            named.contains(&tag).then(|| format!("{tag} {value}"))
        };
        for (entry, count) in net_of(text, entry) {
            let (tag, value) = entry.split_once(' ').unwrap_or((&entry, ""));
            self.signed(place, Kind::Needs, tag, value, count);
        }
    }
}

fn is_command(name: &str) -> bool {
    let commands = ["line order", "encoding", "metadata", "filetype from file(1)", "symlink"];
    name.contains("{}") || commands.contains(&name) || name.starts_with("error from")
}

/// Whether a comparison is of bytes in hexadecimal digits, and not of lines.
fn is_dump(text: &str) -> bool {
    let changed = text.lines().filter(|line| line.starts_with(['-', '+']));
    changed.take(4).all(|line| {
        let start = line.as_bytes().get(1..10).unwrap_or_default();
        let digits = line[1..].trim();
        let is_hex = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
        start.len() == 9 && start[8] == b':' && is_hex(&start[..8])
            || digits.len() >= 32 && is_hex(digits.as_bytes())
    })
}

/// Whether a file is the control file of a package.
fn is_control(place: &Place) -> bool {
    match &place.after[..] {
        [.., archive, content, name] => {
            archive.starts_with("control.tar") && content == "content" && name == "control"
        }
        _ => false,
    }
}

/// The lines of a unified difference that went, and those that came.
fn sides(text: &str) -> [Vec<&str>; 2] {
    let mut found = [Vec::new(), Vec::new()];
    for line in text.split('\n') {
        match line.as_bytes().first() {
            Some(b'-') => found[0].push(&line[1..]),
            Some(b'+') => found[1].push(&line[1..]),
            _ => {}
        }
    }
    found
}

/// How many more, or fewer, of each line there are.
fn net(text: &str) -> BTreeMap<String, i64> {
    net_of(text, |line| Some(line.to_owned()))
}

fn net_of(text: &str, read: impl Fn(&str) -> Option<String>) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for (lines, step) in sides(text).into_iter().zip([-1, 1]) {
        for line in lines.into_iter().filter_map(&read) {
            *counts.entry(line).or_insert(0) += step;
        }
    }
    counts.retain(|_, count| *count != 0);
    counts
}
