//! A job of GitHub Actions, run as GitHub's runner does.
//!
//! What is imitated, and where it is documented (docs.github.com and the repositories of `actions`):
//!
//! | | |
//! |---|---|
//! | `run` | a file for `bash -e`, or `bash --noprofile --norc -eo pipefail` where the shell is `bash` ("Workflow syntax", `steps[*].shell`) |
//! | `if`, `${{ }}` | the few forms that the document uses; others are refused |
//! | `GITHUB_PATH`, `GITHUB_STEP_SUMMARY` | files ("Workflow commands") |
//! | `actions/checkout` | `fetch-depth: 0` takes all branches; a pull request is checked out as its merge |
//! | `actions/cache/{restore,save}` | GNU tar with `--posix -P -C`, by key, then by the newest with a prefix; a key is written once |
//! | `actions/upload-artifact` | a zip archive |
//!
//! `gh` and `sudo` are stand-ins that write down what they are told; a comment needs a token.

use super::{Project, Room, document};
use groundup_cluster::yaml::Node;
use std::{collections::BTreeMap, fs, process::Output};

/// Where the check-out is, below the home.
const PLACE: &str = "work/images/images";
/// Where the runner keeps files of its own, below the home.
const TEMPORARY: &str = "work/_temp";
const HOME: &str = "/home/runner";
const SAYS: &str = "#!/bin/sh\nprintf '%s\\n' \"${0##*/} $*\" >> /run/service/said\n";
const COMMENTS: &str = "test -n \"$GH_TOKEN\" || exit 4\n\
     for word; do file=$word; done\ncat \"$file\" > /run/service/comment\n";

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name, or what it runs or uses.
    pub name: String,
    /// How it ended; nothing if it was left out.
    pub code: Option<i32>,
    /// What stands in its log.
    pub log: String,
}

/// A job and what it finds.
pub struct Job<'a> {
    project: &'a Project,
    room: Room<'a>,
    job: Node,
    known: BTreeMap<String, String>,
    paths: Vec<String>,
    failed: bool,
}

impl<'a> Job<'a> {
    /// The job of a pull request from a branch of this project into `main`, as run number `run`.
    pub fn of_pull_request(project: &'a Project, room: Room<'a>, branch: &str, run: u32) -> Self {
        let workflow = document::job(".github/workflows/images.yml");
        let job = workflow.path(&["jobs", "build"]).expect("the document's job").clone();
        // GitHub makes the merge that is to be tried.
        project.tiny.git(&["checkout", "-q", "--detach", "main"]);
        project.tiny.git(&["merge", "-q", "--no-ff", "-m", "merge", branch]);
        let sha = project.git(&["rev-parse", "HEAD"]);
        project.tiny.git(&["update-ref", "refs/pull/7/merge", &sha]);
        project.push();
        project.stand_in("sudo", SAYS);
        project.stand_in("gh", &format!("{SAYS}{COMMENTS}"));
        let known = [
            ("github.event.number", "7"),
            ("github.event_name", "pull_request"),
            ("github.run_attempt", "1"),
            ("github.run_id", &run.to_string()),
            ("github.sha", &sha),
            ("github.token", "secret"),
            ("vars.GROUNDUP_SHA256", &project.program_sha256()),
            ("vars.GROUNDUP_URL", &project.mirror.url("/groundup")),
        ];
        let known = known.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { project, room, job, known, paths: Vec::new(), failed: false }
    }

    /// Runs all its steps; gives what each did.
    pub fn run(mut self) -> (Vec<Step>, Room<'a>) {
        let mkdir = self.script(&["sh"], "", &[], &format!("mkdir -p {PLACE} {TEMPORARY}"));
        assert!(mkdir.status.success(), "{}", crate::told(&mkdir));
        let steps = self.job.items("steps").to_vec();
        let steps = steps.iter().map(|step| self.step(step)).collect();
        (steps, self.room)
    }

    fn step(&mut self, step: &Node) -> Step {
        let what = step.text_at(&["uses"]).or_else(|| step.text_at(&["run"])).expect("a step");
        let name = step.text_at(&["name"]).unwrap_or(what).to_owned();
        if !self.condition(step.text_at(&["if"]).unwrap_or("success()")) {
            return Step { name, code: None, log: String::new() };
        }
        let output = match step.get("uses") {
            Some(_) => self.action(what, step.get("with")),
            None => {
                let shell = step
                    .text_at(&["shell"])
                    .map(str::to_owned)
                    .or_else(|| Some(self.job.text_at(&["defaults", "run", "shell"])?.to_owned()));
                let shell: &[&str] = match shell.as_deref() {
                    None => &["bash", "-e"],
                    Some("bash") => &["bash", "--noprofile", "--norc", "-eo", "pipefail"],
                    Some(other) => panic!("a shell that is not known here: {other}"),
                };
                let own = document::texts(step.get("env"));
                let own: Vec<_> = own.into_iter().map(|(n, v)| (n, self.expanded(&v))).collect();
                let output = self.script(shell, PLACE, &own, &self.expanded(what));
                let added = self.room.read(&format!("{TEMPORARY}/path"));
                self.paths = added.lines().map(str::to_owned).collect();
                output
            }
        };
        let text = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
        let code = output.status.code();
        self.failed |= code != Some(0);
        Step { name, code: Some(code.unwrap_or(-1)), log: text }
    }

    fn script(
        &self,
        shell: &[&str],
        folder: &str,
        own: &[(String, String)],
        script: &str,
    ) -> Output {
        let paths = self.paths.iter().rev().map(|path| format!("{path}:")).collect::<String>();
        let temporary = format!("{HOME}/{TEMPORARY}");
        let mut environment: Vec<(String, String)> = [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_BASE_REF", "main"),
            ("GITHUB_EVENT_NAME", "pull_request"),
            ("GITHUB_PATH", &format!("{temporary}/path")),
            ("GITHUB_REF", "refs/pull/7/merge"),
            ("GITHUB_REPOSITORY", "team/images"),
            ("GITHUB_SHA", &self.known["github.sha"]),
            ("GITHUB_STEP_SUMMARY", &format!("{temporary}/summary")),
            ("GITHUB_WORKSPACE", &format!("{HOME}/{PLACE}")),
            ("HOME", HOME),
            ("LANG", "C.UTF-8"),
            ("PATH", &format!("{paths}/run/service/bin:/usr/local/bin:/usr/bin:/bin")),
            ("RUNNER_TEMP", &temporary),
            ("USER", "runner"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        environment.extend_from_slice(own);
        self.room.run(shell, &environment, folder, script)
    }

    /// What an action does, by its documentation.
    fn action(&self, name: &str, with: Option<&Node>) -> Output {
        let with: BTreeMap<String, String> = document::texts(with).into_iter().collect();
        let with = |key: &str| self.expanded(with.get(key).map_or("", String::as_str));
        let script = match name.split('@').next().unwrap_or_default() {
            "actions/checkout" => {
                assert_eq!(with("fetch-depth"), "0", "one commit alone has no base");
                "git init -q -b runner .
                 git remote add origin /run/service/origin.git
                 git fetch -q --no-tags origin '+refs/heads/*:refs/remotes/origin/*' \
                     +refs/pull/7/merge:refs/remotes/pull/7/merge
                 git checkout -q --force --detach refs/remotes/pull/7/merge"
                    .to_owned()
            }
            "actions/cache/restore" => match self.cached(&with("key"), &with("restore-keys")) {
                Some(file) => format!("tar -xf /run/service/cache/{file} -P -C ."),
                None => "echo Cache not found".to_owned(),
            },
            "actions/cache/save" => {
                let (key, path) = (with("key"), with("path"));
                format!(
                    "test -e {path} && test ! -e /run/service/cache/{key}.tar || exit 0
                     tar --posix -cf /run/service/cache/{key}.tar -P -C . {path}"
                )
            }
            "actions/upload-artifact" => {
                let (name, path) = (with("name"), with("path"));
                format!("cd {path} && zip -qr /run/service/{name}.zip .")
            }
            other => panic!("an action that is not known here: {other}"),
        };
        self.script(&["bash", "-e"], PLACE, &[], &script)
    }

    /// The archive of a key, or the newest whose key starts with a prefix.
    fn cached(&self, key: &str, prefix: &str) -> Option<String> {
        #[allow(clippy::disallowed_methods, reason = "they are sorted by time")]
        let entries = fs::read_dir(self.project.service.join("cache")).expect("it was made");
        let files = entries.map(|entry| entry.expect("it is listed"));
        let mut files: Vec<_> = files
            .map(|it| (it.metadata().and_then(|it| it.modified()).expect("a file"), it.file_name()))
            .map(|(time, name)| (time, name.to_string_lossy().into_owned()))
            .collect();
        files.sort();
        let exact = files.iter().find(|(_, name)| *name == format!("{key}.tar"));
        let newest = files.iter().rev().find(|(_, name)| name.starts_with(prefix));
        Some(exact.or(newest)?.1.clone())
    }

    /// A condition of `&&`, each part a state of the job or a comparison.
    fn condition(&self, text: &str) -> bool {
        let states = ["always()", "failure()", "success()"];
        let parts: Vec<&str> = text.split("&&").map(str::trim).collect();
        let ruled = parts.iter().any(|part| states.contains(part));
        let holds = parts.iter().all(|part| match *part {
            "always()" => true,
            "failure()" => self.failed,
            "success()" => !self.failed,
            other => {
                let (name, value) = other.split_once(" == ").expect("a comparison");
                self.value(name.trim()) == value.trim().trim_matches('\'')
            }
        });
        holds && (ruled || !self.failed)
    }

    fn value(&self, name: &str) -> &str {
        let value = self.known.get(name);
        value.unwrap_or_else(|| panic!("an expression that is not known here: {name}"))
    }

    /// A text with the values of its expressions.
    fn expanded(&self, text: &str) -> String {
        let mut parts = text.split("${{");
        let mut expanded = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").expect("an expression ends");
            expanded.push_str(self.value(name.trim()));
            expanded.push_str(rest);
        }
        expanded
    }
}
