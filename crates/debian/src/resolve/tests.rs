//! The resolver over small hand-made indexes; agreement with apt itself is compared elsewhere.

use super::{Essential, Recommends, Request, ResolveError, resolve};
use crate::archive::{Index, Preference};

/// Stanzas of `NAME VERSION` and further fields, each package on a line, fields after `;`.
fn index(lines: &str) -> Index {
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut fields = line.split(';').map(str::trim);
        let (name, version) = fields.next().unwrap().split_once(' ').unwrap();
        let more: Vec<&str> = fields.collect();
        text += &format!("Package: {name}\nVersion: {version}\n");
        for (field, default) in [("Architecture", "amd64"), ("Priority", "optional")] {
            if !more.iter().any(|one| one.starts_with(field)) {
                text += &format!("{field}: {default}\n");
            }
        }
        let digest = "0".repeat(64);
        text += &format!("Filename: pool/{name}_{version}.deb\nSize: 1\nSHA256: {digest}\n");
        text += &(more.join("\n") + "\n\n");
    }
    Index::parse(text.as_bytes()).unwrap()
}

fn request(packages: &str) -> Request {
    Request::new("amd64", packages.split(' ').map(|name| name.parse().unwrap()).collect())
}

/// The chosen packages as `NAME` or, in another version than 1, `NAME=VERSION`.
fn ask(indexes: &[&Index], request: &Request) -> Result<String, ResolveError> {
    let packages = resolve(indexes, request)?.packages.into_iter();
    let words = packages.map(|one| match one.version.as_str() {
        "1" => one.name,
        version => format!("{}={version}", one.name),
    });
    Ok(words.collect::<Vec<_>>().join(" "))
}

fn chosen(lines: &str, packages: &str) -> String {
    ask(&[&index(lines)], &request(packages)).unwrap()
}

fn error(lines: &str, packages: &str) -> String {
    ask(&[&index(lines)], &request(packages)).unwrap_err().to_string()
}

#[test]
fn needs_are_followed_and_the_answer_is_sorted() {
    let lines = "z 1; Depends: m, c
         m 1; Pre-Depends: a
         a 1; Depends: z
         c 1
         other 1";
    assert_eq!(chosen(lines, "z"), "a c m z");
}

#[test]
fn the_first_alternative_that_can_be_installed_wins() {
    let lines = "top 1; Depends: a | b
         sub 1; Depends: broken | b
         a 1
         b 1
         broken 1; Depends: nowhere";
    assert_eq!(chosen(lines, "top"), "a top");
    assert_eq!(chosen(lines, "sub"), "b sub");
    assert_eq!(chosen(lines, "b top"), "b top");
}

#[test]
fn versions_choose_among_alternatives() {
    let lines = "top 1; Depends: a (>= 2) | b (<< 1:0)
         a 1
         b 3";
    assert_eq!(chosen(lines, "top"), "b=3 top");
}

#[test]
fn a_provider_is_chosen_by_priority_then_by_the_later_number() {
    let lines = "top 1; Depends: virtual
         p 1; Provides: virtual
         q 1; Provides: virtual
         r 1; Provides: virtual; Priority: extra";
    assert_eq!(chosen(lines, "top"), "q top");
    assert_eq!(chosen(&lines.replace("extra", "standard"), "top"), "r top");
    assert_eq!(chosen(&format!("early 1; Suggests: q\n{lines}"), "top"), "p top");
    assert_eq!(chosen(&format!("{lines}\nvirtual 1"), "top"), "top virtual");
}

#[test]
fn a_versioned_need_takes_only_a_versioned_provider() {
    let lines = "top 1; Depends: virtual (>= 2)
         p 1; Provides: virtual
         q 1; Provides: virtual (= 1)
         r 1; Provides: virtual (= 2); Priority: extra";
    assert_eq!(chosen(lines, "top"), "r top");
}

#[test]
fn a_conflict_excludes_and_a_package_never_conflicts_with_itself() {
    let lines = "top 1; Depends: a, b | c
         a 1; Conflicts: b
         b 1
         c 1; Provides: mta; Conflicts: mta";
    assert_eq!(chosen(lines, "top"), "a c top");
}

#[test]
fn breaks_look_at_the_version() {
    let lines = "top 1; Depends: a, b
         a 1; Breaks: b (<< 2)
         b 2";
    assert_eq!(chosen(lines, "top"), "a b=2 top");
}

#[test]
fn what_a_failed_branch_left_behind_is_dropped() {
    let lines = "top 1; Depends: keep, first | second
         first 1; Depends: leftover, clash
         leftover 1
         clash 1; Conflicts: keep
         keep 1
         second 1";
    assert_eq!(chosen(lines, "top"), "keep second top");
}

#[test]
fn an_architecture_qualifier_needs_multi_arch_or_the_own_architecture() {
    let lines = "any 1; Depends: tool:any
         own 1; Depends: tool:amd64
         far 1; Depends: tool:arm64
         no 1; Depends: plain:any
         tool 1; Multi-Arch: allowed
         plain 1; Multi-Arch: foreign";
    assert_eq!(chosen(lines, "any"), "any tool");
    assert_eq!(chosen(lines, "own"), "own tool");
    assert!(error(lines, "far").contains("nothing is or provides `tool:arm64`"));
    assert!(error(lines, "no").contains("nothing is or provides `plain:any`"));
}

#[test]
fn packages_of_other_architectures_are_not_seen() {
    let lines = "a 1; Architecture: arm64
         a 2; Architecture: all
         b 1; Architecture: amd64; Depends: a";
    assert_eq!(chosen(lines, "b"), "a=2 b");
    assert_eq!(chosen(lines, "b:amd64"), "a=2 b");
    assert_eq!(error(lines, "b:arm64"), "`b:arm64` is asked for, but the resolution is for amd64");
}

#[test]
fn recommends_come_only_when_asked_for_and_never_fail() {
    let index = index("top 1; Recommends: a, nowhere; Suggests: b\na 1\nb 1");
    let mut request = request("top");
    assert_eq!(ask(&[&index], &request).unwrap(), "top");
    request.recommends = Recommends::Install;
    assert_eq!(ask(&[&index], &request).unwrap(), "a top");
}

#[test]
fn essential_packages_are_implied_only_when_asked_for() {
    let index = index("top 1\nbase 1; Essential: yes; Depends: lib\nlib 1");
    let mut request = request("top");
    assert_eq!(ask(&[&index], &request).unwrap(), "top");
    request.essential = Essential::Implied;
    assert_eq!(ask(&[&index], &request).unwrap(), "base lib top");
}

#[test]
fn of_several_archives_the_highest_version_wins_then_the_first_archive() {
    let (main, security) = (index("a 1\nb 1\nc 3"), index("a 2\nb 1\nc 2"));
    let resolution = resolve(&[&main, &security], &request("a b c c=2")).unwrap();
    let from = |name: &str| {
        let found = resolution.packages.iter().find(|one| one.name == name).unwrap();
        (found.version.clone(), found.index)
    };
    assert_eq!(from("a"), ("2".to_owned(), 1));
    assert_eq!(from("b"), ("1".to_owned(), 0));
    assert_eq!(from("c"), ("2".to_owned(), 1));
}

#[test]
fn an_archive_that_is_not_automatic_gives_only_what_no_other_has() {
    let (main, backports) = (index("a 1"), index("a 2\nb 2"));
    let backports = backports.with_preference(Preference::ButAutomaticUpgrades);
    assert_eq!(ask(&[&backports, &main], &request("a b")).unwrap(), "a b=2");
    assert_eq!(ask(&[&backports, &main], &request("a=2")).unwrap(), "a=2");
}

#[test]
fn held_versions_stay_unless_they_stand_in_the_way() {
    let lines = "app 2; Depends: lib (>= 2), other
         app 1; Depends: lib, other
         lib 2
         lib 1
         other 2
         other 1";
    let index = index(lines);
    let mut request = request("app");
    for (name, version) in [("lib", "1"), ("other", "1"), ("gone", "7")] {
        request.held.insert(name.to_owned(), version.parse().unwrap());
    }
    assert_eq!(ask(&[&index], &request).unwrap(), "app=2 lib=2 other");
    request.held.insert("app".to_owned(), "1".parse().unwrap());
    assert_eq!(ask(&[&index], &request).unwrap(), "app lib other");
    request.held.insert("other".to_owned(), "9".parse().unwrap());
    assert_eq!(ask(&[&index], &request).unwrap(), "app lib other=2");
}

#[test]
fn unknown_names_and_versions_say_what_there_is() {
    let lines = "nginx 1\nnginx 2\np 1; Provides: mta\nq 1; Provides: mta, only";
    assert_eq!(error(lines, "ngixn"), "no package is called `ngixn`; did you mean `nginx`?");
    assert_eq!(error(lines, "xyzzy"), "no package is called `xyzzy`");
    assert_eq!(error(lines, "nginx=3"), "`nginx` is not offered as version 3, but as 2, 1");
    assert_eq!(error(lines, "mta"), "`mta` is a virtual package; name one that provides it: p, q");
    assert_eq!(chosen(lines, "only"), "q");
}

#[test]
fn an_unsatisfiable_need_is_told_as_a_chain() {
    let lines = "top 1; Depends: middle
         middle 2; Pre-Depends: bottom (>= 3) | nowhere
         bottom 1
         odd 1; Depends: bottm";
    assert_eq!(
        error(lines, "top"),
        "`top` cannot be installed: top (1) depends on middle; middle (2) pre-depends on \
         bottom (>= 3) | nowhere; `bottom` is offered only as 1"
    );
    assert_eq!(
        error(lines, "odd"),
        "`odd` cannot be installed: odd (1) depends on bottm; nothing is or provides `bottm`; \
         did you mean `bottom`?"
    );
}

#[test]
fn a_conflict_is_told_from_both_sides() {
    let lines = "top 1; Depends: a
         a 1; Conflicts: c
         side 1; Depends: c
         c 1
         mta 1; Conflicts: agent; Provides: agent
         needs 1; Depends: light | heavy
         light 1; Conflicts: agent; Provides: agent
         heavy 1; Conflicts: agent; Provides: agent";
    assert_eq!(
        error(lines, "top side"),
        "`top` cannot be installed: top (1) depends on a; a (1) conflicts with c; but side (1) \
         depends on c"
    );
    assert_eq!(
        error(lines, "top c"),
        "`top` cannot be installed: top (1) depends on a; a (1) conflicts with c; `c` is wanted too"
    );
    assert_eq!(
        error(lines, "needs mta"),
        "`needs` cannot be installed: needs (1) depends on light | heavy; light (1) conflicts \
         with agent; `mta` is wanted too"
    );
}
