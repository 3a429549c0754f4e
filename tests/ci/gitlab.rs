//! A job of GitLab CI, run as GitLab's runner does with the Docker executor.
//!
//! What is imitated, and where it is documented (docs.gitlab.com, and the runner's own log):
//!
//! | | |
//! |---|---|
//! | the user | root of a container, with the umask 0 that the executor has |
//! | `rules` | the first whose comparison holds lets the job run |
//! | the sources | `GIT_DEPTH: "0"` takes all branches and tags; a merge request is its own head, not the merge |
//! | `cache` | a zip archive by key, written after a job that did well, or after each with `when: always` |
//! | `script` | one script of all lines, for bash with `set -eo pipefail` |
//! | `retry` | as often as `max` says, for the `exit_codes` alone |
//! | `artifacts` | what is there of the paths |
//!
//! The address of the API is a listener of the test, which takes notes.

use super::{Project, Room, User, document};
use crate::ci::Machine;
use groundup_cluster::yaml::Node;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Output,
    sync::{Arc, Mutex},
    thread,
};

const PLACE: &str = "builds/team/images";
const HOME: &str = "/home/runner";

/// One attempt at the job.
#[derive(Debug)]
pub struct Attempt {
    /// How the script ended.
    pub code: i32,
    /// What stands in its log.
    pub log: String,
    /// The report on the quality of code, if one was written.
    pub quality: String,
}

/// The job for a merge request from `branch` into `main`: its attempts.
pub fn run(
    project: &Project,
    machine: &Machine,
    branch: &str,
    user: User,
    notes: &Notes,
) -> Vec<Attempt> {
    let job = document::job(".gitlab-ci.yml").get("images").expect("the document's job").clone();
    project.push();
    project.with_program();
    let (head, base) =
        (project.git(&["rev-parse", branch]), project.git(&["merge-base", "main", branch]));
    let mut variables: Vec<(String, String)> = [
        ("CI", "true"),
        ("CI_API_V4_URL", &notes.address),
        ("CI_COMMIT_SHA", &head),
        ("CI_DEFAULT_BRANCH", "main"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base),
        ("CI_MERGE_REQUEST_IID", "7"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_PROJECT_DIR", &format!("{HOME}/{PLACE}")),
        ("CI_PROJECT_ID", "42"),
        ("GITLAB_CI", "true"),
        ("HOME", "/root"),
        ("PATH", "/run/service/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("PLAN_TOKEN", "secret"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    variables.extend(document::texts(job.get("variables")));
    let rules = job.items("rules").iter().filter_map(|rule| rule.text_at(&["if"]));
    assert!(
        rules.into_iter().any(|rule| holds(rule, &variables)),
        "the job is not in this pipeline"
    );
    let retry = job.get("retry").expect("the document retries");
    let most: usize =
        retry.get("max").map(document::text).and_then(|it| it.parse().ok()).unwrap_or(0);
    let codes: Vec<String> = retry.items("exit_codes").iter().map(document::text).collect();
    let mut attempts = Vec::new();
    while attempts.len() <= most {
        let attempt = attempt(machine.room(user, &project.service), &job, &variables);
        let again = codes.contains(&attempt.code.to_string());
        attempts.push(attempt);
        if !again {
            break;
        }
    }
    attempts
}

fn attempt(room: Room<'_>, job: &Node, variables: &[(String, String)]) -> Attempt {
    let run = |folder: &str, script: &str| -> Output {
        room.run(&["bash"], variables, folder, &format!("set -eo pipefail\n{script}\n"))
    };
    let succeed = |folder: &str, script: &str| {
        let output = run(folder, script);
        assert!(output.status.success(), "{script}: {}", crate::told(&output));
    };
    let cache = job.get("cache").expect("the document keeps the store");
    let key = cache.text_at(&["key"]).expect("a key");
    let paths: Vec<&str> = cache.items("paths").iter().filter_map(Node::as_text).collect();
    let zip = format!("/run/service/cache/{key}.zip");
    let depth = variables.iter().find(|(name, _)| name == "GIT_DEPTH");
    assert_eq!(depth.map(|(_, depth)| &depth[..]), Some("0"), "one commit alone has no base");
    succeed(
        "",
        &format!(
            "umask 0000
             git init -q {PLACE}
             cd {PLACE}
             git remote add origin /run/service/origin.git
             git fetch -q origin '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*'
             git checkout -q --force --detach $CI_COMMIT_SHA
             test ! -e {zip} || unzip -q {zip}"
        ),
    );
    let lines: Vec<&str> = job.items("script").iter().filter_map(Node::as_text).collect();
    let output = run(
        PLACE,
        &format!("umask 0000\nset +o noclobber\nexec < /dev/null\n{}", lines.join("\n")),
    );
    if output.status.success() || cache.text_at(&["when"]) == Some("always") {
        let zipped: Vec<String> =
            paths.iter().map(|it| format!("test ! -e {it} || zip -qry {zip} {it}")).collect();
        succeed(PLACE, &format!("rm -f {zip}\n{}", zipped.join("\n")));
    }
    let artifacts = job.get("artifacts").expect("the document keeps what was made");
    assert_eq!(
        artifacts.text_at(&["when"]),
        Some("always"),
        "a plan is wanted of a failed job too"
    );
    let kept: Vec<&str> = artifacts.items("paths").iter().filter_map(Node::as_text).collect();
    let kept = kept
        .iter()
        .map(|path| format!("test ! -e {path} || zip -qr /run/service/artifacts.zip {path}"));
    succeed(PLACE, &kept.collect::<Vec<_>>().join("\n"));
    let report = artifacts.text_at(&["reports", "codequality"]).expect("a report of what is wrong");
    Attempt {
        code: output.status.code().unwrap_or(-1),
        log: [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat(),
        quality: room.read(&format!("{PLACE}/{report}")),
    }
}

/// A rule that compares a variable with a text or a variable.
fn holds(rule: &str, variables: &[(String, String)]) -> bool {
    let (name, value) = rule.split_once(" == ").expect("a comparison");
    let known = |name: &str| {
        let name = name.trim().strip_prefix('$')?;
        variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let value = match value.trim().strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(text) => Some(text.to_owned()),
        None => known(value),
    };
    value.is_some() && known(name) == value
}

/// What the API was asked to note.
#[derive(Debug)]
pub struct Notes {
    /// Where it is.
    pub address: String,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Notes {
    /// Listens until the test ends; each request is answered as GitLab answers who made something.
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let taken = Arc::new(Mutex::new(Vec::new()));
        let notes = taken.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let note = take(connection.expect("a request"));
                notes.lock().expect("nobody failed").push(note);
            }
        });
        Self { address: format!("http://{address}/api/v4"), taken }
    }

    /// All requests so far, heads and bodies.
    pub fn taken(&self) -> Vec<String> {
        self.taken.lock().expect("nobody failed").clone()
    }
}

fn take(connection: TcpStream) -> String {
    let mut reader = BufReader::new(connection);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let from = text.len();
        let count = reader.read_line(&mut text).expect("a line");
        let line = text[from..].trim().to_lowercase();
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse().expect("a number");
        }
        if count == 0 || line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    text.push_str(&String::from_utf8_lossy(&body));
    let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    reader.get_mut().write_all(answer).expect("who asks listens");
    text
}
