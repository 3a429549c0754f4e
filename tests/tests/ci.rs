//! The jobs that `docs/ci.md` shows do what it says, in a clean machine: cold and with a kept store,
//! and where something is wrong, with the exit code and the line that people are shown.

use groundup_testkit::Behaviour;
use groundup_tests::{
    ci::{
        Machine, Project, User,
        github::{Job, Step},
        gitlab::{self, Attempt, Notes},
    },
    tiny::RECIPES,
};
use serde_json::Value;
use std::{fs, path::Path, sync::OnceLock};

/// The root file system of all machines of these tests.
fn machine() -> &'static Machine {
    static MACHINE: OnceLock<Machine> = OnceLock::new();
    MACHINE
        .get_or_init(|| Machine::prepare(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("ci-tests")))
}

/// What a change of this project's main branch is made of: another line in the script.
fn edited() -> String {
    RECIPES.replace("echo copied", "echo done")
}

/// The log of a step that ended well.
#[track_caller]
fn log<'a>(steps: &'a [Step], name: &str) -> &'a str {
    let step = steps.iter().find(|step| step.name == name);
    let step = step.unwrap_or_else(|| panic!("no step {name}: {steps:#?}"));
    assert_eq!(step.code, Some(0), "{steps:#?}");
    &step.log
}

/// What a job of GitHub did for a change of the recipes.
fn github(project: &Project, branch: &str, run: u32) -> Vec<Step> {
    let room = machine().room(User::Runner, &project.service);
    Job::of_pull_request(project, room, branch, run).run().0
}

/// The step that ended a job, with its exit code; what follows is left out or asked for always.
#[track_caller]
fn broken(steps: &[Step]) -> &Step {
    let bad: Vec<&Step> =
        steps.iter().filter(|step| !matches!(step.code, None | Some(0))).collect();
    let [bad] = &bad[..] else { panic!("one step fails: {steps:#?}") };
    let after = steps.iter().skip_while(|step| step != bad).skip(1);
    let uploaded = after.filter(|step| step.name.starts_with("actions/upload"));
    assert!(uploaded.into_iter().all(|step| step.code.is_none()), "{steps:#?}");
    bad
}

#[test]
fn the_job_of_github_builds_comments_and_keeps_its_store() {
    let project = Project::new();
    project.change("change", &edited());
    let cold = github(&project, "change", 1);
    log(&cold, "groundup doctor");
    log(&cold, "groundup lock --check");
    assert!(log(&cold, "groundup build").contains(" steps built"), "{cold:#?}");
    assert!(log(&cold, "actions/cache/restore@v4").contains("Cache not found"));
    let service = |name: &str| project.service.join(name);
    let comment = fs::read_to_string(service("comment")).expect("something was said");
    assert!(comment.contains("recipes/tiny.toml:10"), "the line that moved: {comment}");
    let said = fs::read_to_string(service("said")).expect("programs were called");
    assert!(said.contains("gh pr comment 7 --edit-last --create-if-none --body-file plan.md"));
    assert!(said.contains("sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"));
    assert!(service("out.zip").is_file(), "{cold:#?}");

    let before = project.mirror.requests().len();
    let warm = github(&project, "change", 2);
    assert!(!log(&warm, "actions/cache/restore@v4").contains("not found"));
    assert!(log(&warm, "groundup build").contains("\n0 steps built"), "{warm:#?}");
    let asked: Vec<_> = project.mirror.requests().split_off(before);
    assert_eq!(asked.len(), 1, "the program alone is fetched: {asked:?}");
}

#[test]
fn what_is_wrong_ends_the_job_of_github_with_its_code_and_line() {
    let project = Project::new();
    project.change("failing", &RECIPES.replace("echo copied", "exit 3"));
    let steps = github(&project, "failing", 1);
    let Step { name, code, log } = broken(&steps);
    assert_eq!((&name[..], *code), ("groundup build", Some(1)));
    assert!(log.contains("\n::error file=recipes/tiny.toml,line=7::build.hello run"), "{log}");

    project.change("wrong", &RECIPES.replace("[image.hello]", "[image.hello]\nwho = 1"));
    let steps = github(&project, "wrong", 2);
    let Step { name, code, log } = broken(&steps);
    assert_eq!((&name[..], *code), ("groundup lock --check", Some(2)));
    let line = "::error file=recipes/tiny.toml,line=16,col=1::unknown key `who`";
    assert!(log.contains(line), "{log}");

    project.change("stale", &RECIPES.replace("[\"tiny-sh\"]", "[\"tiny-sh\", \"extra\"]"));
    let steps = github(&project, "stale", 3);
    let Step { name, code, log } = broken(&steps);
    assert_eq!((&name[..], *code), ("groundup lock --check", Some(1)));
    let line = "::error file=recipes/tiny.toml,line=5,col=24::the lock is stale";
    assert!(log.contains(line), "{log}");
}

/// What the job of GitLab did, and what it was told to note, if it came so far.
fn gitlab(project: &Project, branch: &str) -> Vec<Attempt> {
    let notes = Notes::listen();
    let attempts = gitlab::run(project, machine(), branch, User::Root, &notes);
    let [note] = &notes.taken()[..] else { panic!("one note: {:?}", notes.taken()) };
    let start = "POST /api/v4/projects/42/merge_requests/7/notes ";
    assert!(note.starts_with(start) && note.contains("PRIVATE-TOKEN: secret"), "{note}");
    assert!(
        note.contains("body=") && note.contains("tiny.toml%3A10"),
        "the line that moved: {note}"
    );
    attempts
}

fn rows(attempt: &Attempt) -> Vec<Value> {
    serde_json::from_str(&attempt.quality).unwrap_or_else(|error| panic!("{error}: {attempt:?}"))
}

#[test]
fn the_job_of_gitlab_builds_comments_keeps_its_store_and_tries_again() {
    let project = Project::new();
    project.change("change", &edited());
    let package = project.tiny.package_file(&groundup_tests::tiny::shell("1"));
    let path = package.strip_prefix(project.tiny.mirror()).expect("it is in the mirror");
    let path = format!("/{}", path.display());
    // The first attempt does not get the package; it is the environment that fails, so there is another.
    project.mirror.set_times(&path, Behaviour::Status(404), 1);
    let cold = gitlab::run(&project, machine(), "main", User::Root, &Notes::listen());
    let codes: Vec<i32> = cold.iter().map(|it| it.code).collect();
    assert_eq!(codes, [3, 0], "{cold:#?}");
    assert!(project.service.join("artifacts.zip").is_file());

    let warm = gitlab(&project, "change");
    assert!(warm[0].code == 0 && warm[0].log.contains("\n1 step built"), "{warm:#?}");
    assert_eq!(rows(&warm[0]), [Value::Null; 0], "nothing is wrong");
    let before = project.mirror.requests().len();
    let same = gitlab(&project, "change");
    assert!(same[0].code == 0 && same[0].log.contains("\n0 steps built"), "{same:#?}");
    assert_eq!(project.mirror.requests().len(), before, "nothing is fetched");
}

#[test]
fn what_is_wrong_stands_in_the_report_of_gitlab_with_its_line() {
    let project = Project::new();
    project.change("failing", &RECIPES.replace("echo copied", "exit 3"));
    let attempts = gitlab(&project, "failing");
    let [attempt] = &attempts[..] else { panic!("one attempt: {attempts:#?}") };
    assert_eq!(attempt.code, 1, "{attempt:#?}");
    let [row] = &rows(attempt)[..] else { panic!("one row: {attempt:#?}") };
    assert_eq!(row["location"]["path"], "recipes/tiny.toml");
    assert_eq!(row["location"]["lines"]["begin"], 7);
    assert!(row["description"].as_str().is_some_and(|it| it.contains("build.hello run")), "{row}");
    assert!(!attempt.log.contains("::error"), "that is GitHub's way");
}

#[test]
fn a_container_without_user_namespaces_is_told_by_the_first_step() {
    let project = Project::new();
    let user = User::RootWithoutNamespaces;
    let attempts = gitlab::run(&project, machine(), "main", user, &Notes::listen());
    let [attempt] = &attempts[..] else { panic!("one attempt: {attempts:#?}") };
    assert_eq!(attempt.code, 1, "{attempt:#?}");
    assert!(attempt.log.contains("sysctl -w user.max_user_namespaces="), "{attempt:#?}");
    assert!(!attempt.log.contains("done  "), "nothing was built");
}
