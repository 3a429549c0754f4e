//! Whether a root file system has the programs that rendering needs.

use super::{Entry, Folder, RenderError, of_recipe};

/// Where programs are looked for, as `PATH` of every command has it.
const DIRECTORIES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Checks that `root`, which is `tool`, has a program of each of `wanted`; `what` is rendered.
pub fn check_programs(
    root: &Folder<'_>,
    tool: &str,
    what: &str,
    wanted: &[&[&str]],
) -> Result<(), RenderError> {
    let there = |program: &str| {
        let file = |path: String| root.at_root(&path) == Some(Entry::File);
        match program.starts_with('/') {
            true => file(program.to_owned()),
            false => DIRECTORIES.iter().any(|directory| file(format!("{directory}/{program}"))),
        }
    };
    let mut findings = Vec::new();
    for names in wanted {
        if names.iter().any(|name| there(name)) {
            continue;
        }
        let listed = names.join("` or `");
        let message = match names.first().is_some_and(|name| name.starts_with('/')) {
            true => format!("`{tool}` has no `{listed}`"),
            false => format!("`{tool}` has no `{listed}` in its PATH"),
        };
        findings.push(of_recipe(message, Some(remedy(names))));
    }
    if findings.is_empty() {
        return Ok(());
    }
    Err(RenderError::Unfit { what: what.to_owned(), findings })
}

fn remedy(names: &[&str]) -> String {
    match names.first() {
        Some(&"/bin/sh") => {
            "add `dash` to its `packages`, or `busybox-static` and a link `/bin/sh`".to_owned()
        }
        Some(&"helm") => "pin Helm as a `source`, and lay it into the rootfs by `trees`, such as \
             `{ from = \"source.helm\", path = \"/linux-amd64\", to = \"/usr/bin\" }`"
            .to_owned(),
        _ => {
            "add the package that has it, such as `kubernetes-client`, to its `packages`".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_through_links_and_missing_ones_named() {
        let entries = [
            ("bin", Entry::Link("usr/bin".into())),
            ("usr", Entry::Directory),
            ("usr/bin", Entry::Directory),
            ("usr/bin/dash", Entry::File),
            ("usr/bin/sh", Entry::Link("/bin/dash".into())),
        ];
        let entries = entries.map(|(path, entry)| (path.to_owned(), entry));
        let root = Folder::new(entries, |_| Ok(Vec::new()));
        let check = |wanted: &[&[&str]]| check_programs(&root, "rootfs.tool", "`x`", wanted);
        check(&[&["/bin/sh"], &["zsh", "dash"]]).unwrap();
        let said = check(&[&["kustomize", "kubectl"]]).unwrap_err().to_string();
        assert!(
            said.contains("`rootfs.tool` has no `kustomize` or `kubectl` in its PATH"),
            "{said}"
        );
        assert!(said.contains("help: add the package"), "{said}");
        let said = check(&[&["helm"]]).unwrap_err().to_string();
        assert!(said.contains("pin Helm as a `source`"), "{said}");
    }
}
