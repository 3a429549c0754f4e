//! What is told of a step that gives another answer each time: by what the answers differ.

use groundup_tests::tiny::Tiny;
use serde_json::Value;
use std::collections::BTreeMap;

const SCRIPT: &str = "vary time /out/time
vary path /out/path
vary order /out/order
vary seed /out/seed
vary jobs /out/jobs
vary letters /out/letters";

/// The two answers that a build again had, as ids.
fn again(tiny: &Tiny, jobs: &str) -> [String; 2] {
    let said = tiny.run(&["build", "--json", "--jobs", jobs, "--rerun", "build.x"]);
    assert_eq!(said.code, 0, "{said}");
    let events = said.out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut unstable = events.filter(|event| event["event"] == "unstable");
    let answer = unstable.next().expect("it is unstable")["answers"][0].clone();
    ["first", "other"].map(|name| answer[name].as_str().expect("an id").to_owned())
}

/// The classes of each path.
fn classes(report: &Value) -> BTreeMap<String, String> {
    let rows = report["rows"].as_array().expect("a list").iter();
    let paths = rows.flat_map(|row| {
        let classes: Vec<&str> =
            row["classes"].as_array().expect("classes").iter().filter_map(Value::as_str).collect();
        let places = row["places"].as_array().expect("a list").clone();
        let path = |place: Value| place["path"][0].as_str().expect("a path").to_owned();
        places.into_iter().map(move |place| (path(place), classes.join(" ")))
    });
    paths.collect()
}

#[test]
fn by_what_answers_differ_is_told_with_the_class_of_each_file() {
    let tiny = Tiny::of_script(SCRIPT);
    tiny.says(&["build", "--jobs", "2"]);
    let [first, other] = again(&tiny, "2");
    let report = tiny.differs(&["diff", &first, &other]);
    assert_eq!(
        (&report["verdict"], &report["reason"]),
        (&"nondeterministic".into(), &"nondeterminism".into())
    );
    let cause = &report["causes"][0];
    assert_eq!(
        (&cause["kind"], &cause["what"]),
        (&"nondeterminism".into(), &"build.x run linux/amd64".into())
    );
    let expected = [
        ("letters", "unknown"),
        ("order", "order"),
        ("path", "path"),
        ("seed", "seed"),
        ("time", "time"),
    ];
    let expected: BTreeMap<String, String> =
        expected.map(|(path, class)| (path.to_owned(), class.to_owned())).into();
    assert_eq!(classes(&report), expected, "{report:#}");
    assert_eq!(cause["classes"]["time"], 1, "{cause}");

    let said = tiny.run(&["diff", &first, &other]);
    let text = &said.out;
    assert!(text.starts_with("not reproducible: "), "{text}");
    assert!(text.contains("differs by seed") && text.contains("time in 1 path"), "{text}");
    let markdown = tiny.run(&["diff", "--markdown", &first, &other]).out;
    assert!(markdown.contains("differs by order"), "{markdown}");
    let page = tiny.run(&["diff", "--html", "-", &first, &other]).out;
    assert!(page.contains("differs by path"), "the page has it");

    // With another number of jobs what nothing else explains is put down to them.
    let [first, other] = again(&tiny, "3");
    let report = tiny.differs(&["diff", &first, &other]);
    let found = classes(&report);
    assert_eq!(found["jobs"], "parallelism", "{report:#}");
    assert_eq!(found["time"], "time", "{report:#}");
}

#[test]
fn whoever_builds_is_told_how_to_compare() {
    let tiny = Tiny::of_script("vary seed /out/seed");
    tiny.says(&["build"]);
    let said = tiny.run(&["build", "--rerun", "build.x"]);
    said.expect(0, &["unstable", "`groundup diff tree:", "says by what"]);
}
