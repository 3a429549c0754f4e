//! What a target is made of, summed up.

use super::{Args, Places, build_in_words, print_rows};
use crate::{
    args::Global,
    out::{self, BOLD},
    words,
};
use groundup_provenance::{BuildRecord, Lineage, MadeOf, Part, RecordedStep};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// How many rows of a kind are shown.
const FEW: usize = 12;

/// Packages of one source package that go together.
#[derive(Default)]
struct Source {
    versions: BTreeSet<String>,
    packages: BTreeSet<String>,
    places: BTreeSet<String>,
    part: Option<Part>,
}

pub(super) fn tell(
    record: &BuildRecord,
    target: &str,
    places: &mut Places,
    args: &Args,
    global: &Global,
) {
    let lineage = Lineage::new(record);
    let ends: Vec<&RecordedStep> = lineage
        .ends_of(target)
        .into_iter()
        .filter(|step| {
            let platform = step.parts().platform;
            args.platform.is_none() || platform.is_none() || platform == args.platform.as_deref()
        })
        .collect();
    let made = lineage.made_of(&ends);
    if global.json {
        out::json(&as_json(record, target, &made, places));
        return;
    }
    let most = if args.full { usize::MAX } else { FEW };
    out::line(format!("{BOLD}{target}{BOLD:#}: {}", words::count(made.steps, "step")));
    for (part, what) in [(Part::Content, "in it"), (Part::Tool, "made with")] {
        tell_part(&made, part, what, places, most);
    }
    let trust: Vec<String> = made
        .pins
        .values()
        .filter(|(step, part)| *part == Part::Trust && step.label.ends_with(" InRelease"))
        .map(|(step, _)| {
            let (_, place, _) = places.pin(&step.label, step.position.as_deref());
            let owner = step.parts().owner.to_owned();
            format!("{owner} ({})", place.unwrap_or_default())
        })
        .collect();
    if !trust.is_empty() {
        out::line(format!("vouched for by {}", trust.join(", ")));
    }
    let (started, commit) = (record.circumstances.started_ms, record.commit.as_deref());
    out::say(format!("{target}: {}", build_in_words(started, commit, places, record.lock)));
}

fn tell_part(made: &MadeOf<'_>, part: Part, what: &str, places: &mut Places, most: usize) {
    let (sources, others) = pins_of(made, part, places);
    let files: Vec<(&str, &groundup_digest::ObjectId)> = made
        .files
        .iter()
        .filter(|(_, (_, of))| *of == part)
        .map(|(label, (id, _))| (*label, id))
        .collect();
    let recipes: Vec<(&str, &BTreeSet<&str>)> = made
        .recipes
        .iter()
        .filter(|(_, (_, of))| *of == part)
        .map(|(place, (owners, _))| (*place, owners))
        .collect();
    if sources.is_empty() && others.is_empty() && files.is_empty() && recipes.is_empty() {
        return;
    }
    out::line("");
    let packages: usize = sources.values().map(|source| source.packages.len()).sum();
    let mut told = Vec::new();
    if packages > 0 {
        let packages = words::count(packages, "package");
        told.push(format!("{packages} of {}", words::count(sources.len(), "source package")));
    }
    let kinds = [(others.len(), "other pin"), (files.len(), "file"), (recipes.len(), "recipe")];
    told.extend(
        kinds.iter().filter(|(many, _)| *many > 0).map(|(many, noun)| words::count(*many, noun)),
    );
    out::line(format!("{BOLD}{what}{BOLD:#}: {}", told.join(", ")));
    let mut rows = Vec::new();
    for (subject, place, note) in others.iter().take(most) {
        let note = note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
        let place = place.clone().unwrap_or_default();
        rows.push(vec!["  pin".into(), format!("{subject}{note}"), place]);
    }
    more(&mut rows, others.len(), most, "pin");
    for (label, _) in files.iter().take(most) {
        let name = label.split_once(':').map_or(*label, |(_, name)| name);
        rows.push(vec!["  file".into(), name.to_owned(), String::new()]);
    }
    more(&mut rows, files.len(), most, "file");
    for (place, owners) in recipes.iter().take(most) {
        let owners: Vec<String> = owners.iter().map(|owner| (*owner).to_owned()).collect();
        let first = owners.first().map_or("", String::as_str);
        let place = places.recipe(first, None, Some(place)).0.unwrap_or_default();
        let row = vec!["  recipe".into(), owners.join(", "), place];
        if rows.last() != Some(&row) {
            rows.push(row);
        }
    }
    more(&mut rows, recipes.len(), most, "recipe");
    for (source, of) in sources.iter().take(most) {
        let versions: Vec<String> = of.versions.iter().cloned().collect();
        let packages: Vec<String> = of.packages.iter().cloned().collect();
        let place = of.places.first().cloned().unwrap_or_default();
        let names = match packages.as_slice() {
            [one] if one == source => String::new(),
            packages => format!(": {}", words::some(packages, 4)),
        };
        let text = format!("{source} {}{names}", versions.join(", "));
        rows.push(vec!["  package".into(), text, place]);
    }
    more(&mut rows, sources.len(), most, "source package");
    print_rows(&rows);
}

fn more(rows: &mut Vec<Vec<String>>, all: usize, most: usize, noun: &str) {
    if let Some(more) = all.checked_sub(most).filter(|more| *more > 0) {
        let more = words::count(more, &format!("more {noun}"));
        rows.push(vec![String::new(), format!("and {more} (--full)"), String::new()]);
    }
}

type OtherPin = (String, Option<String>, Option<String>);

/// Pins of packages by source package, and the others.
fn pins_of(
    made: &MadeOf<'_>,
    wanted: Part,
    places: &Places,
) -> (BTreeMap<String, Source>, Vec<OtherPin>) {
    let (mut sources, mut others) = (BTreeMap::<String, Source>::new(), Vec::new());
    for (label, (step, part)) in &made.pins {
        if *part != wanted {
            continue;
        }
        let pin = places.pin(label, step.position.as_deref());
        let parts = step.parts();
        let Some(package) = parts.owner.strip_prefix("package ") else {
            others.push(pin);
            continue;
        };
        let name = package.split(':').next().unwrap_or(package);
        let source = places.source_package(label).unwrap_or_else(|| name.to_owned());
        let source = sources.entry(source).or_default();
        let version = parts.role.strip_prefix("fetch ").unwrap_or_default();
        source.versions.insert(version.to_owned());
        source.packages.insert(name.to_owned());
        source.places.extend(pin.1);
        source.part = Some(*part);
    }
    (sources, others)
}

/// What some steps are made of, in a line.
pub(crate) fn summary(made: &MadeOf<'_>) -> String {
    let count = |is: &dyn Fn(&str) -> bool, part: Part| {
        made.pins.iter().filter(|(label, (_, of))| *of == part && is(label)).count()
    };
    let package = |label: &str| label.starts_with("package ");
    let files = made.files.values().filter(|(_, part)| *part == Part::Content).count();
    let tools = count(&|_| true, Part::Tool);
    let counts = [
        (count(&package, Part::Content), "package"),
        (count(&|label| !package(label), Part::Content), "other pin"),
        (files, "file"),
        (made.recipes.len(), "recipe"),
    ];
    let told = counts.iter().filter(|(many, _)| *many > 0);
    let told: Vec<String> = told.map(|(many, noun)| words::count(*many, noun)).collect();
    let mut text = told.join(", ");
    if tools > 0 {
        text.push_str(&format!("; made with {}", words::count(tools, "pin")));
    }
    text
}

/// Every leaf input as JSON.
pub(crate) fn leaves_json(made: &MadeOf<'_>, places: &Places) -> serde_json::Value {
    let part = |part: &Part| match part {
        Part::Content => "content",
        Part::Trust => "trust",
        Part::Tool => "tool",
    };
    let pins: Vec<_> = made
        .pins
        .iter()
        .map(|(label, (step, of))| {
            let (what, place, note) = places.pin(label, step.position.as_deref());
            json!({
                "step": label,
                "what": what,
                "place": place,
                "note": note,
                "source_package": places.source_package(label),
                "for": part(of),
                "outputs": step.outputs,
            })
        })
        .collect();
    let files: Vec<_> = made
        .files
        .iter()
        .map(|(label, (id, of))| json!({"leaf": label, "id": id, "for": part(of)}))
        .collect();
    let recipes: Vec<_> = made
        .recipes
        .iter()
        .map(|(place, (owners, of))| json!({"place": place, "targets": owners, "for": part(of)}))
        .collect();
    json!({"pins": pins, "files": files, "recipes": recipes, "steps": made.steps})
}

fn as_json(
    record: &BuildRecord,
    target: &str,
    made: &MadeOf<'_>,
    places: &Places,
) -> serde_json::Value {
    json!({
        "version": 1,
        "target": target,
        "build": record.id(),
        "commit": record.commit,
        "lock": record.lock,
        "lock_is_here": places.is_lock(record.lock),
        "started_ms": record.circumstances.started_ms,
        "made_of": leaves_json(made, places),
    })
}
