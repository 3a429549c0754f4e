//! Configurations, manifests and indexes of images: OCI image-spec 1.1 (config.md, manifest.md,
//! image-index.md) and those of Docker, which have the same fields.

use crate::{
    Finding, Kind, Limits, Pair,
    keyed::{Segment, Style, Value, differences, json, order, path},
    rows::{Order, Record, compare},
    text::{cut, edits::edits},
    unread::Unread,
};

/// Whether a JSON text is one of an image.
pub(crate) fn looks_like(text: &str) -> bool {
    let has = |key: &str| text.contains(key);
    (has("\"rootfs\"") && has("\"diff_ids\"") && has("\"architecture\""))
        || (has("\"schemaVersion\"") && (has("\"layers\"") || has("\"manifests\"")))
}

/// Compares two of them.
pub(crate) fn image(pair: &Pair<'_>, limits: &Limits) -> Result<Vec<Finding>, Unread> {
    let read = |text: &[u8]| {
        let first = json::read(text, limits)?.into_iter().next();
        first.ok_or_else(|| Unread::Other("it is empty".into()))
    };
    let (before, after) = (read(pair.before)?, read(pair.after)?);
    let mut findings = Vec::new();
    let config = |root: &Value| root.get("config").cloned().unwrap_or(Value::Map(Vec::new()));
    findings.extend(environment(&config(&before), &config(&after)));
    findings.extend(history(&before, &after));
    findings.extend(layers(&before, &after));
    let (found, reordered) = differences(&before, &after);
    for one in found {
        let keys: Vec<&str> = one.path.iter().map(key).collect();
        let kind = match keys.as_slice() {
            ["config", "Env", ..]
            | ["history"]
            | ["history", _]
            | ["history", _, "created_by" | "created"]
            | ["rootfs", "diff_ids", ..]
            | ["layers"]
            | ["layers", _]
            | ["layers", _, "digest"] => continue,
            // It follows from the digest.
            ["layers", _, "size"] => Kind::Identity,
            ["created" | "container" | "docker_version"] | ["container_config", ..] => {
                Kind::Identity
            }
            [.., "annotations", "org.opencontainers.image.created"] => Kind::Identity,
            _ => Kind::Setting,
        };
        let what = match keys.as_slice() {
            ["config", rest @ ..] if !rest.is_empty() => {
                path(one.path.get(1..).unwrap_or_default(), Style::Dots)
            }
            _ => path(&one.path, Style::Dots),
        };
        let finding = one.finding(kind, what, limits);
        findings.push(match remark(&keys) {
            Some(remark) if finding.note.is_none() => finding.note(remark),
            _ => finding,
        });
    }
    findings.extend(order("", reordered));
    Ok(findings)
}

fn key(segment: &Segment) -> &str {
    match segment {
        Segment::Key(key) | Segment::Item(key) => key,
        Segment::Index(_) => "#",
    }
}

fn remark(keys: &[&str]) -> Option<&'static str> {
    match keys {
        ["config", "Entrypoint", ..] => Some("what the container runs"),
        ["config", "Cmd", ..] => Some("the arguments of what the container runs"),
        ["config", "User"] => Some("as whom the container runs; nobody named is root"),
        _ => None,
    }
}

/// The variables of the environment, by name.
fn environment(before: &Value, after: &Value) -> Vec<Finding> {
    let records = |config: &Value| -> Vec<Record> {
        let items = config.get("Env").map(Value::items).unwrap_or_default();
        let split = |item: &Value| {
            let text = item.text()?;
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            Some(Record::value(format!("Env {name}"), value))
        };
        items.iter().filter_map(split).collect()
    };
    compare(Kind::Setting, &records(before), &records(after), Order::Free)
}

/// The lines of the history, by what was done.
fn history(before: &Value, after: &Value) -> Vec<Finding> {
    let lines = |root: &Value| -> Vec<String> {
        let items = root.get("history").map(Value::items).unwrap_or_default();
        let text = |item: &Value| {
            let by = item.text_at("created_by").or_else(|| item.text_at("comment"));
            by.unwrap_or("(nothing is said)").to_owned()
        };
        items.iter().map(text).collect()
    };
    let (a, b) = (lines(before), lines(after));
    let mut findings = Vec::new();
    for edit in edits(&a, &b) {
        let (gone, new) = (a.get(edit.before.clone()), b.get(edit.after.clone()));
        let (gone, new) = (gone.unwrap_or_default(), new.unwrap_or_default());
        for at in 0..gone.len().max(new.len()) {
            let place = if at < new.len() { edit.after.start } else { edit.before.start } + at + 1;
            let mut finding = Finding::bare(Kind::Setting, format!("history line {place}"));
            (finding.before, finding.after) =
                (gone.get(at).map(|text| cut(text)), new.get(at).map(|text| cut(text)));
            findings.push(finding);
        }
    }
    let times = |root: &Value| -> Vec<String> {
        let items = root.get("history").map(Value::items).unwrap_or_default();
        items.iter().map(|item| item.text_at("created").unwrap_or_default().to_owned()).collect()
    };
    if times(before) != times(after) {
        findings.push(Finding::bare(Kind::Identity, "times of the history"));
    }
    findings
}

/// Layers by their digests: which stayed, which are new.
fn layers(before: &Value, after: &Value) -> Vec<Finding> {
    let digests = |root: &Value| -> Vec<String> {
        let ids = root.get("rootfs").and_then(|rootfs| rootfs.get("diff_ids"));
        let ids = ids.map(Value::items).unwrap_or_default();
        let layers = root.get("layers").map(Value::items).unwrap_or_default();
        let of_ids = ids.iter().filter_map(Value::text);
        let of_layers = layers.iter().filter_map(|layer| layer.text_at("digest"));
        of_ids.chain(of_layers).map(str::to_owned).collect()
    };
    let (a, b) = (digests(before), digests(after));
    let mut findings = Vec::new();
    for edit in edits(&a, &b) {
        for at in 0..edit.before.len().max(edit.after.len()) {
            let of = |digests: &[String], range: &std::ops::Range<usize>| {
                (at < range.len()).then(|| digests.get(range.start + at).cloned()).flatten()
            };
            let place =
                if at < edit.after.len() { edit.after.start } else { edit.before.start } + at;
            let mut finding = Finding::bare(Kind::Entry, format!("layer {}", place + 1));
            (finding.before, finding.after) = (of(&a, &edit.before), of(&b, &edit.after));
            findings.push(finding);
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_users_and_times_are_told_apart() {
        let before = r#"{"created":"2024-01-01T00:00:00Z","architecture":"amd64","config":{"Env":["A=1","PATH=/bin"],"User":"1000"},
            "rootfs":{"type":"layers","diff_ids":["sha256:a","sha256:b"]},"history":[{"created":"x","created_by":"COPY a"}]}"#;
        let after = before
            .replace("2024-01", "2024-02")
            .replace("A=1", "A=2")
            .replace("1000", "")
            .replace("sha256:b", "sha256:c");
        let pair = Pair { path: "", before: before.as_bytes(), after: after.as_bytes() };
        let found = image(&pair, &Limits::default()).unwrap();
        let whats: Vec<(Kind, &str)> =
            found.iter().map(|one| (one.kind, one.what.as_str())).collect();
        assert_eq!(
            whats,
            [
                (Kind::Setting, "Env A"),
                (Kind::Entry, "layer 2"),
                (Kind::Setting, "User"),
                (Kind::Identity, "created"),
            ]
        );
    }
}
