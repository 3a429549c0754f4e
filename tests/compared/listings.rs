//! Lines of the listings that diffoscope compares: entries of archives, symbols of programs.

/// A line of a listing: mode, links, owner, group, size or device, date, time, name.
pub(super) struct Entry {
    pub(super) mode: String,
    pub(super) owner: String,
    pub(super) group: String,
    pub(super) device: String,
    pub(super) time: String,
    pub(super) name: String,
    pub(super) target: String,
}

impl Entry {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (mode, rest) = word(line)?;
        let is_mode = mode.len() == 10 && mode.starts_with(|it| "-dlbcphs".contains(it));
        let (_links, rest) = word(rest).filter(|_| is_mode)?;
        let (owner, rest) = number(rest)?;
        let (group, rest) = number(rest)?;
        let (size, rest) = word(rest)?;
        let (device, rest) = match size.ends_with(',') {
            true => word(rest).map(|(minor, rest)| (format!("{size}{minor}"), rest))?,
            false if size.contains(',') => (size.to_owned(), rest),
            false => (String::new(), rest),
        };
        let (date, rest) = word(rest)?;
        let (time, rest) = word(rest)?;
        let name = rest.strip_prefix(' ').unwrap_or(rest);
        let (name, target) = match mode.starts_with('l') {
            true => name.split_once(" -> ").unwrap_or((name, "")),
            false => (name, ""),
        };
        Some(Self {
            mode: mode.to_owned(),
            owner,
            group,
            device,
            time: format!("{date} {time}"),
            name: plain(name),
            target: target.to_owned(),
        })
    }
}

fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(' ');
    let end = text.find(' ').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `root (0)` or `0`: the number.
fn number(text: &str) -> Option<(String, &str)> {
    let (first, rest) = word(text)?;
    if first.bytes().all(|byte| byte.is_ascii_digit()) && !rest.trim_start().starts_with('(') {
        return Some((first.to_owned(), rest));
    }
    let (number, rest) = word(rest)?;
    Some((number.trim_matches(['(', ')']).to_owned(), rest))
}

/// A line of a table of symbols: number, value, size, type, binding, visibility, section, name.
pub(super) struct Symbol {
    pub(super) size: String,
    pub(super) kind: String,
    pub(super) binding: String,
    pub(super) visibility: String,
    pub(super) is_needed: bool,
    pub(super) name: String,
}

impl Symbol {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [number, _, size, kind, binding, visibility, section, name, ..] = &words[..] else {
            return None;
        };
        let is_row = number.ends_with(':') && *number != "Num:" && *binding != "LOCAL";
        is_row.then(|| Self {
            size: (*size).to_owned(),
            kind: (*kind).to_owned(),
            binding: (*binding).to_owned(),
            visibility: (*visibility).to_owned(),
            is_needed: *section == "UND",
            name: (*name).to_owned(),
        })
    }

    /// What others rely on; the type of what is needed is not known to the file that needs it, and the
    /// size of a function is no matter to who calls it.
    pub(super) fn told(&self) -> String {
        if self.is_needed {
            return format!("needed {}", self.binding);
        }
        let size = match &*self.kind {
            "OBJECT" | "TLS" => self.size.as_str(),
            _ => "",
        };
        format!("{} {} {} {size}", self.kind, self.binding, self.visibility).trim().to_owned()
    }
}

/// A name without `./` in front and without slashes at its end.
pub(super) fn plain(name: &str) -> String {
    let name = name.strip_prefix("./").unwrap_or(name);
    let name = if name == "." { "" } else { name };
    name.trim_matches('/').to_owned()
}
