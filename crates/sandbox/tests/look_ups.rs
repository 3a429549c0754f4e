//! What is noted of a command's look at files, and how it has programs run by the builder.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]
mod support;

use std::fs;
use std::path::Path;

use groundup_sandbox::{
    Answer, Before, Control, LookUps, Message, Messenger, MountMode, Noted, run,
};
use support::Fixture;

#[test]
fn these_claims_hold_for_an_ordinary_user_too() {
    support::again_as_an_ordinary_user("these_claims_hold_for_an_ordinary_user_too", &[]);
}

/// Runs a shell command in a directory with some files and gives what was noted.
fn noted(script: &str) -> (Fixture, Noted) {
    let mut fixture = Fixture::shell(script);
    fixture.spec.look_ups = LookUps::Noted;
    let build = fixture.spec.scratch.join("build");
    fs::create_dir_all(build.join("sub")).unwrap();
    for (name, text) in [("a", "1\n"), ("b", "2\n"), ("sub/c", "3\n")] {
        fs::write(build.join(name), text).unwrap();
    }
    let outcome = fixture.run();
    assert!(outcome.ending.is_success(), "{outcome:?}\n{}", fixture.log());
    (fixture, outcome.noted.unwrap())
}

fn below<'a>(paths: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    paths.into_iter().filter_map(|path| path.strip_prefix("/build/")).collect()
}

#[test]
fn what_is_read_and_what_is_not_found_is_noted() {
    let (_fixture, noted) = noted("cat a ./sub/../b; test -e missing || cat /build//sub/c");
    assert_eq!(below(&noted.looked), ["a", "missing", "sub/../b", "sub/c"]);
    assert_eq!(below(&noted.opened), ["a", "sub/../b", "sub/c"]);
    assert!(noted.executed.contains("/usr/bin/cat"), "{:?}", noted.executed);
    assert!(noted.executed.contains("/bin/sh"), "{:?}", noted.executed);
    assert_eq!((noted.changed.len(), noted.lacks), (0, None));
}

#[test]
fn paths_start_from_where_a_process_is() {
    let (_fixture, noted) = noted("cd sub; cat c ../a; (cd ..; cat b)");
    let mut opened = below(&noted.opened);
    opened.sort_unstable();
    assert_eq!(opened, ["b", "sub/../a", "sub/c"]);
}

#[test]
fn what_is_changed_is_noted_with_what_was_there() {
    let (_fixture, noted) = noted("echo x > new; echo y >> a; rm b; mv sub/c d; cat new d");
    let kept = |path: &str| match &noted.changed[path] {
        Before::File(copy) => Some(fs::read_to_string(copy).unwrap()),
        Before::Nothing => None,
        Before::Other => panic!("{path}"),
    };
    let changed = below(noted.changed.keys());
    assert_eq!(changed, ["a", "b", "d", "new", "sub/c"]);
    assert_eq!(kept("/build/a").as_deref(), Some("1\n"));
    assert_eq!(kept("/build/b").as_deref(), Some("2\n"));
    assert_eq!(kept("/build/sub/c").as_deref(), Some("3\n"));
    assert_eq!((kept("/build/new"), kept("/build/d")), (None, None));
    // Its own doing.
    assert!(!noted.looked.contains("/build/new"));
}

#[test]
fn a_run_that_does_what_cannot_be_noted_says_so() {
    let (_fixture, noted) = noted("bash -c 'exec 3<>/dev/tcp/127.0.0.1/9 || true'");
    assert!(noted.lacks.is_some(), "{noted:?}");
}

#[test]
fn nothing_is_noted_unless_asked_for() {
    let fixture = Fixture::shell("true");
    assert_eq!(fixture.run().noted, None);
}

/// Runs a shell command with a messenger whose calls `answer` answers.
fn with_messenger(script: &str, answer: impl Fn(&Message) -> Answer + Sync) -> String {
    let top = tempfile::tempdir().unwrap();
    let messenger = Messenger::open(top.path()).unwrap();
    let fixture = Fixture::shell(script).bind(top.path(), Messenger::INSIDE, MountMode::ReadOnly);
    let over = Control::new().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while let Some(mut call) = messenger.next(&over).unwrap() {
                let message = Message::read(&mut call).unwrap();
                answer(&message).write(&mut call).unwrap();
            }
        });
        let outcome = run(&fixture.spec, &Control::new().unwrap()).unwrap();
        over.cancel();
        assert!(outcome.ending.is_success(), "{outcome:?}\n{}", fixture.log());
    });
    fixture.log()
}

#[test]
fn a_program_is_run_by_the_builder() {
    let log = with_messenger(
        "cd /tmp; A=b /groundup/reuse cc -c 'x y.c' </dev/null || echo \"code $?\"",
        |message| {
            assert_eq!(message.argv, ["cc", "-c", "x y.c"]);
            assert_eq!((message.cwd.as_str(), message.mask), ("/tmp", 0o022));
            assert!(message.input_is_empty);
            let env = message.env.as_ref().unwrap();
            assert!(env.contains(&("A".to_owned(), "b".to_owned())), "{env:?}");
            Answer::Ended(7, b"x y.c:1: no\n".to_vec())
        },
    );
    assert_eq!(log, "x y.c:1: no\ncode 7\n");
}

#[test]
fn a_program_that_the_builder_leaves_is_run_in_place() {
    let log = with_messenger(
        "echo words | A=b /groundup/reuse sh -c 'cat; echo $A $B'; /groundup/reuse -i /bin/echo x
         /groundup/reuse no-such || echo \"code $?\"",
        |message| {
            assert!(message.argv[0] != "sh" || !message.input_is_empty);
            assert_eq!(message.env.is_none(), message.argv[0] == "/bin/echo");
            let path = ("PATH".to_owned(), "/nowhere:/usr/bin:/bin".to_owned());
            Answer::Become(vec![("B".to_owned(), "c".to_owned()), path])
        },
    );
    assert_eq!(log, "words\nc\nx\ngroundup: reuse: cannot execute no-such\ncode 127\n");
}

#[test]
fn without_a_builder_the_call_fails() {
    let top = tempfile::tempdir().unwrap();
    drop(Messenger::open(top.path()).unwrap());
    let fixture = Fixture::shell("/groundup/reuse true || echo \"code $?\"").bind(
        top.path(),
        Messenger::INSIDE,
        MountMode::ReadOnly,
    );
    let log = fixture.succeed();
    assert_eq!(log, "groundup: reuse: the builder cannot be reached\ncode 125\n");
    assert!(Path::new(Messenger::PROGRAM).starts_with(Messenger::INSIDE));
}
