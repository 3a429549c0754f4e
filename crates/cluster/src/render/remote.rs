//! What a tool would fetch, and how it is pinned instead.

use groundup_recipe::check_name;

/// Something that a tool would fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remote {
    /// A directory of a git repository.
    Git {
        /// The repository.
        url: String,
        /// The directory; empty for the top.
        path: String,
        /// The branch, tag or commit, if it says one.
        rev: Option<String>,
    },
    /// One file.
    File(String),
}

/// Whether a text, which is no path of something that is there, means something to be fetched: as
/// kustomize tells them apart.
pub(super) fn remote(text: &str) -> Option<Remote> {
    const HOSTS: [&str; 5] =
        ["github.com/", "gitlab.com/", "bitbucket.org/", "dev.azure.com/", "gh:"];
    let bare = text.strip_prefix("git::").unwrap_or(text);
    let (place, query) = bare.split_once('?').unwrap_or((bare, ""));
    let scheme = place.find("://").map(|at| at + 3);
    let known = HOSTS.iter().any(|host| bare.starts_with(host)) || bare.starts_with("git@");
    if scheme.is_none() && !known && !bare.contains("?ref=") && bare.len() == text.len() {
        return None;
    }
    let value = |key: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(name, _)| *name == key).map(|(_, value)| value.to_owned())
    };
    let rev = value("ref").or_else(|| value("version"));
    let file = [".yaml", ".yml", ".json"].iter().any(|end| place.ends_with(end));
    if scheme.is_some_and(|_| place.starts_with("http")) && file && rev.is_none() {
        return Some(Remote::File(text.to_owned()));
    }
    let start = scheme.unwrap_or(0);
    let (url, path) = match place[start..].find("//") {
        Some(at) => (&place[..start + at], &place[start + at + 2..]),
        None => match place.find(".git/") {
            Some(at) => (&place[..at + 4], &place[at + 5..]),
            // On the known services a repository has two parts.
            None => match place[start..].match_indices('/').nth(2) {
                Some((at, _)) if known || place[start..].starts_with("github.com/") => {
                    (&place[..start + at], &place[start + at + 1..])
                }
                _ => (place, ""),
            },
        },
    };
    let url = match scheme.is_none() && !url.starts_with("git@") {
        true => format!("https://{}", url.replacen("gh:", "github.com/", 1)),
        false => url.to_owned(),
    };
    Some(Remote::Git { url, path: path.trim_matches('/').to_owned(), rev })
}

impl Remote {
    /// A name for a source of it.
    fn name(&self) -> String {
        let url = match self {
            Self::Git { url, .. } | Self::File(url) => url,
        };
        let url = url.trim_end_matches('/');
        let last = url.rsplit(['/', ':']).next().unwrap_or(url);
        let last = last.split('.').next().unwrap_or(last).to_lowercase();
        let name: String =
            last.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let name = name.trim_matches('-').to_owned();
        if check_name(&name).is_ok() { name } else { "base".to_owned() }
    }

    /// How it is pinned, for a kustomization in `directory` of a root.
    pub(super) fn remedy(&self, directory: &str) -> String {
        let name = self.name();
        match self {
            Self::Git { url, path, rev } => {
                let rev = rev.as_deref().unwrap_or("TAG");
                let below = if path.is_empty() { String::new() } else { format!("/{path}") };
                let up = match directory {
                    "." => String::new(),
                    directory => "../".repeat(1 + directory.matches('/').count()),
                };
                format!(
                    "pin it: `[source.{name}]` with `git = \"{url}\"` and `rev = \"{rev}\"`, lay it \
                     down with `trees = {{ \"pinned/{name}\" = \"source.{name}\" }}` beside `tool`, \
                     and write `{up}pinned/{name}{below}` here"
                )
            }
            // From above its own directory a kustomization takes no files.
            Self::File(url) => {
                let prefix = match directory {
                    "." => String::new(),
                    directory => format!("{directory}/"),
                };
                format!(
                    "pin it: `[source.{name}]` with `url = \"{url}\"`, lay it down with `trees = {{ \
                     \"{prefix}pinned/{name}.yaml\" = \"source.{name}\" }}` beside `tool`, and write \
                     `pinned/{name}.yaml` here"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(url: &str, path: &str, rev: Option<&str>) -> Option<Remote> {
        let (url, path) = (url.to_owned(), path.to_owned());
        Some(Remote::Git { url, path, rev: rev.map(str::to_owned) })
    }

    #[test]
    fn what_kustomize_would_fetch_is_known_by_its_form() {
        assert_eq!(
            remote("https://github.com/org/app//deploy/base?ref=v1.2.0"),
            git("https://github.com/org/app", "deploy/base", Some("v1.2.0"))
        );
        assert_eq!(
            remote("github.com/org/app/deploy?ref=main&timeout=10s"),
            git("https://github.com/org/app", "deploy", Some("main"))
        );
        assert_eq!(
            remote("git@git.example:org/app.git"),
            git("git@git.example:org/app.git", "", None)
        );
        assert_eq!(
            remote("ssh://git@git.example/org/app.git//x"),
            git("ssh://git@git.example/org/app.git", "x", None)
        );
        let raw = "https://raw.example/app/deploy.yaml";
        assert_eq!(remote(raw), Some(Remote::File(raw.to_owned())));
        // Only what stands before the question mark is a place.
        assert_eq!(remote("a//b?ref=x://y"), git("https://a", "b", Some("x://y")));
        for local in ["../base", "web.yaml", "a/b", "git/base", "githubx.com"] {
            assert_eq!(remote(local), None, "{local}");
        }
    }

    #[test]
    fn the_remedy_is_what_to_write() {
        let help = remote("github.com/org/App_One//k8s?ref=v1").unwrap().remedy("overlays/prod");
        assert!(
            help.contains("`[source.app-one]` with `git = \"https://github.com/org/App_One\"`")
        );
        assert!(help.contains("`rev = \"v1\"`"), "{help}");
        assert!(help.contains("write `../../pinned/app-one/k8s` here"), "{help}");
        let help = remote("https://raw.example/app/web.yaml").unwrap().remedy("overlays/prod");
        assert!(help.contains("`trees = { \"overlays/prod/pinned/web.yaml\" = \"source.web\" }`"));
        assert!(help.contains("write `pinned/web.yaml` here"), "{help}");
    }
}
