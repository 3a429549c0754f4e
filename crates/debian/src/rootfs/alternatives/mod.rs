//! The alternatives system: `link` -> `/etc/alternatives/NAME` -> the chosen program.
//!
//! Maintainer scripts make these links, and none runs; the well-known ones come from a table, by
//! priority among the programs that are there. The recipe's own choices win over it.

mod table;

use super::{
    Alternative, Draft, RootfsError,
    draft::{STATE, absolute, constant, follow_parents},
};
use groundup_tree::{Kind, Node, TreePath};
use std::{collections::BTreeMap, fmt::Write};

/// One candidate as `update-alternatives` records it.
struct Choice {
    path: String,
    priority: i32,
    /// Slave name -> path.
    slaves: BTreeMap<String, String>,
}

/// A group with its candidates that are there.
struct Group {
    name: String,
    link: String,
    manual: bool,
    chosen: String,
    /// Slave name -> link.
    slave_links: BTreeMap<String, String>,
    choices: Vec<Choice>,
}

/// Makes the links of the table and of the recipe, and the records of `update-alternatives`.
pub(super) fn write(draft: &mut Draft<'_>, declared: &[Alternative]) -> Result<(), RootfsError> {
    let mut groups = BTreeMap::new();
    for known in table::GROUPS {
        let present: Vec<_> = known
            .candidates
            .iter()
            .filter(|candidate| draft.finds(&constant(candidate.path)))
            .collect();
        let best = present.iter().rev().max_by_key(|candidate| candidate.priority);
        let Some(best) = best else { continue };
        groups.insert(known.name.to_owned(), group_of(known, &present, best.path));
    }
    for choice in declared {
        choose(draft, &mut groups, choice)?;
    }
    for group in groups.values() {
        install(draft, group)?;
    }
    Ok(())
}

fn group_of(known: &table::Group, present: &[&table::Candidate], best: &str) -> Group {
    let slaves = present.iter().flat_map(|candidate| candidate.slaves);
    let choice = |candidate: &&table::Candidate| Choice {
        path: candidate.path.to_owned(),
        priority: candidate.priority,
        slaves: candidate.slaves.iter().map(|s| (s.0.to_owned(), s.2.to_owned())).collect(),
    };
    Group {
        name: known.name.to_owned(),
        link: known.link.to_owned(),
        manual: false,
        chosen: best.to_owned(),
        slave_links: slaves.map(|slave| (slave.0.to_owned(), slave.1.to_owned())).collect(),
        choices: present.iter().map(choice).collect(),
    }
}

/// Applies a choice of the recipe.
fn choose(
    draft: &Draft<'_>,
    groups: &mut BTreeMap<String, Group>,
    choice: &Alternative,
) -> Result<(), RootfsError> {
    let path = absolute("alternative", &choice.path)?;
    absolute("alternative's link", &choice.link)?;
    if !draft.finds(&path) {
        return Err(RootfsError::NoCandidate { name: choice.name.clone(), path });
    }
    let group = groups.entry(choice.name.clone()).or_insert_with(|| Group {
        name: choice.name.clone(),
        link: String::new(),
        manual: true,
        chosen: String::new(),
        slave_links: BTreeMap::new(),
        choices: Vec::new(),
    });
    group.manual = true;
    group.link.clone_from(&choice.link);
    group.chosen.clone_from(&choice.path);
    if !group.choices.iter().any(|known| known.path == choice.path) {
        let slaves = BTreeMap::new();
        group.choices.push(Choice { path: choice.path.clone(), priority: 0, slaves });
    }
    Ok(())
}

fn install(draft: &mut Draft<'_>, group: &Group) -> Result<(), RootfsError> {
    let link = constant(&group.link);
    if let Some(owner) = taken(draft, &link, &group.name) {
        return match group.manual {
            // As `update-alternatives` without `--force`: a package's own file stays.
            false => Ok(()),
            true => {
                let name = group.name.clone();
                Err(RootfsError::AlternativeTaken { path: link, name, owner })
            }
        };
    }
    put_links(draft, &group.name, &link, &group.chosen)?;
    let choice = group.choices.iter().find(|choice| choice.path == group.chosen);
    for (name, path) in choice.iter().flat_map(|choice| &choice.slaves) {
        let link = constant(&group.slave_links[name]);
        if draft.finds(&constant(path)) && taken(draft, &link, name).is_none() {
            put_links(draft, name, &link, path)?;
        }
    }
    let record = format!("/var/lib/dpkg/alternatives/{}", group.name);
    draft.put_state(&record, record_of(group).as_bytes(), 0o644)
}

/// Who has something else at the link's place.
fn taken(draft: &Draft<'_>, link: &TreePath, name: &str) -> Option<String> {
    let place = follow_parents(&draft.tree, link)?;
    let ours = format!("/etc/alternatives/{name}");
    match draft.tree.get(&place) {
        None => None,
        Some(Node { kind: Kind::Symlink { target }, .. }) if **target == *ours.as_bytes() => None,
        Some(_) => Some(draft.origins.get(&place).unwrap_or(STATE).to_owned()),
    }
}

fn put_links(
    draft: &mut Draft<'_>,
    name: &str,
    link: &TreePath,
    path: &str,
) -> Result<(), RootfsError> {
    let middle = format!("/etc/alternatives/{name}");
    draft.put(&constant(&middle), Node::symlink(path), STATE)?;
    draft.put(link, Node::symlink(&middle), STATE)
}

/// The administrative file of `update-alternatives`, as it writes it itself.
fn record_of(group: &Group) -> String {
    let mut record = String::from(if group.manual { "manual\n" } else { "auto\n" });
    let _ = writeln!(record, "{}", group.link);
    for (name, link) in &group.slave_links {
        let _ = writeln!(record, "{name}\n{link}");
    }
    record.push('\n');
    let mut choices: Vec<&Choice> = group.choices.iter().collect();
    choices.sort_by(|a, b| a.path.cmp(&b.path));
    for choice in choices {
        let _ = writeln!(record, "{}\n{}", choice.path, choice.priority);
        for name in group.slave_links.keys() {
            let _ = writeln!(record, "{}", choice.slaves.get(name).map_or("", String::as_str));
        }
    }
    record.push('\n');
    record
}

#[cfg(test)]
mod tests {
    use super::table::GROUPS;

    #[test]
    fn the_table_is_sorted_and_its_paths_are_absolute() {
        assert!(GROUPS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for group in GROUPS {
            let slaves = group.candidates.iter().flat_map(|candidate| candidate.slaves);
            let mut paths = vec![group.link];
            paths.extend(group.candidates.iter().map(|candidate| candidate.path));
            paths.extend(slaves.flat_map(|slave| [slave.1, slave.2]));
            assert!(paths.iter().all(|path| path.starts_with('/')), "{}", group.name);
        }
    }
}
