//! What each command says and how it ends, in workspaces that need no network.

use groundup_tests::tiny::{FOREIGN, RECIPES, Said, Tiny, build, processes_with, wait_until};
use rustix::process::Signal;
use serde_json::Value;
use std::{fs, path::PathBuf};

/// A text that no other process of this machine has in its command line.
fn marker(test: &str) -> String {
    format!("marker-{}-{test}", std::process::id())
}

/// A build that starts two more processes, says so, and sleeps for an hour.
fn sleeper(marker: &str) -> Tiny {
    Tiny::of_script(&format!("start 2 3600\necho {marker}\nsleep 3600"))
}

fn mounts_below(tiny: &Tiny) -> Vec<String> {
    let mounts = fs::read_to_string("/proc/mounts").expect("there is a /proc");
    let folder = tiny.workspace.folder().to_string_lossy().into_owned();
    mounts.lines().filter(|line| line.contains(&folder)).map(str::to_owned).collect()
}

/// How many scratch directories the store has, after a command has swept it.
fn scratch(tiny: &Tiny) -> usize {
    tiny.answer(&["plan", "build.x"]);
    let tmp = tiny.workspace.path("store/tmp");
    #[allow(clippy::disallowed_methods, reason = "they are only counted")]
    fs::read_dir(tmp).expect("the store has a tmp").count()
}

/// The outcomes of a step in the events of a build with `--json`.
fn outcomes(said: &Said, step: &str) -> Vec<String> {
    let events = said.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let of_step = events.filter(|event| event["event"] == "finished" && event["step"] == step);
    of_step.map(|event| event["outcome"].as_str().unwrap_or_default().to_owned()).collect()
}

fn key_of_command(tiny: &Tiny, target: &str) -> String {
    let plan = tiny.answer(&["plan", target]);
    let steps = plan["steps"].as_array().expect("steps");
    let run = steps.iter().find(|step| step["action"] == "run").expect("a command");
    run["key"].as_str().expect("its inputs are there").to_owned()
}

#[test]
fn a_failed_step_shows_what_one_needs_to_go_on() {
    let lines: Vec<String> = (1..=60).map(|number| format!("echo line {number}")).collect();
    let tiny = Tiny::of_script(&format!("{}\ncomplain boom\nexit 3", lines.join("\n")));
    let said = tiny.run(&["build", "build.x"]);
    let needed = [
        "error: build.x",
        "code 3",
        "at recipes/tiny.toml:1",
        "| line 60\n",
        "| boom\n",
        "groundup log build.x",
        "groundup shell build.x",
    ];
    said.expect(1, &needed);
    assert!(!said.err.contains("| line 1\n"), "only the end of the log: {said}");
    assert_eq!(said.out, "", "a failure leaves nothing on stdout: {said}");

    let log = tiny.says(&["log", "build.x"]);
    assert!(log.starts_with("line 1\nline 2\n") && log.ends_with("line 60\nboom\n"), "{log}");
    assert_eq!(tiny.says(&["log", &key_of_command(&tiny, "build.x")]), log);
    // A failure is no result: it is tried again.
    tiny.run(&["build", "build.x"]).expect(1, &["| boom\n"]);
}

#[test]
fn keep_going_builds_what_does_not_need_the_failed_step() {
    let recipes = [
        build("x", "exit 1", ""),
        build("later", "sleep 1\ncopy /usr/share/tiny-sh/version /out/v", ""),
        build("user", "list /deps/x", "deps = { x = \"build.x\" }"),
        build("end", "copy /deps/later/v /out/w", "deps = { later = \"build.later\" }"),
    ];
    let tiny = Tiny::new(&recipes.concat());
    let arguments = ["build", "--jobs", "1", "build.*"];
    let said = tiny.run(&[&arguments[..], &["--keep-going"]].concat());
    said.expect(1, &["error: build.x", "1 step was not started because of this"]);
    assert!(said.out.contains("build.end") && said.out.contains("build.later"), "{said}");
    assert!(!said.out.contains("build.x") && !said.out.contains("build.user"), "{said}");
}

#[test]
fn rerun_executes_one_step_again_and_compares() {
    let tiny = Tiny::new(RECIPES);
    tiny.build(&[]);
    assert_eq!(tiny.build(&["--rerun", "build.hello"]).built, 1);
    assert_eq!(tiny.build(&[]).built, 0);
    let records = tiny.run(&["show", &key_of_command(&tiny, "build.hello"), "--json"]).out;
    assert_eq!(records.lines().count(), 2, "each execution is recorded: {records}");
    tiny.run(&["build", "--rerun", "build.nope"]).expect(2, &["`build.nope`", "groundup plan"]);
}

#[test]
fn a_log_is_followed_to_its_end() {
    let tiny = Tiny::of_script("echo one\nsleep 3\necho two");
    let build = tiny.start(&["build", "build.x"]);
    wait_until("the step writes", || tiny.run(&["log", "build.x"]).out == "one\n");
    let followed = tiny.start(&["log", "-f", "build.x"]).end(&tiny);
    assert_eq!((followed.code, followed.out.as_str()), (0, "one\ntwo\n"), "{followed}");
    assert_eq!(build.end(&tiny).code, 0);
    assert_eq!(tiny.says(&["log", "--follow", "build.x"]), "one\ntwo\n");
}

#[test]
fn a_shell_opens_in_the_sandbox_of_a_build() {
    let tiny = Tiny::new(RECIPES);
    tiny.run(&["shell", "build.hello"]).expect(1, &["not built yet", "groundup build build.hello"]);
    tiny.build(&[]);
    let mut command = tiny.command(&["shell", "build.hello"]);
    let input = tiny.workspace.write("input", "who\nlist /src/hello\nsay GROUNDUP_COMMAND\n");
    command.stdin(fs::File::open(input).expect("it was written"));
    let said = tiny.said(&command.output().expect("the program starts"));
    said.expect(0, &["in the sandbox of build.hello"]);
    assert!(said.out.starts_with("uid 1000 pid "), "{said}");
    assert!(said.out.contains("in /build\nhello.txt\ncopy /src/hello/hello.txt"), "{said}");
    tiny.run(&["shell", "rootfs.base"]).expect(2, &["runs no command", "groundup run"]);
}

#[test]
fn run_gives_a_command_of_a_root_file_system() {
    let tiny = Tiny::new(RECIPES);
    let said = tiny.run(&["run", "rootfs.base", "--", "sh", "-c", "list ."]);
    assert!(said.code == 0 && said.out.contains("groundup.toml\n"), "{said}");
    assert_eq!(tiny.run(&["run", "rootfs.base", "--", "sh", "-c", "exit 9"]).code, 9);
    tiny.run(&["run", "rootfs.base", "--", "frob"]).expect(3, &["frob"]);
    tiny.run(&["run", "build.hello", "--", "sh"]).expect(2, &["not a `rootfs` target"]);
}

#[test]
fn each_limit_ends_a_step_and_is_named() {
    let limited = |name: &str, script: &str, limit: &str| {
        build(name, script, &format!("limits = {{ {limit} }}"))
    };
    let recipes = [
        limited("x", "sleep 3600", "wall = \"1s\""),
        limited("idle", "echo start\nsleep 3600", "idle = \"1s\""),
        limited("memory", "eat 4096", "memory = \"64MiB\""),
        limited("output", "fill /out/big 4096", "output = \"8MiB\""),
        limited("processes", "start 200 60", "processes = 20"),
    ];
    let tiny = Tiny::new(&recipes.concat());
    let said = tiny.run(&["build", "--keep-going", "build.*"]);
    said.expect(1, &["the command reached its limit of "]);
    for (target, limit) in [
        ("x", "wall"),
        ("idle", "idle"),
        ("memory", "memory"),
        ("output", "output"),
        ("processes", "processes"),
    ] {
        let help = format!("raise `{limit}` in the `limits` of `[build.{target}]`");
        assert!(said.err.contains(&help), "{help}: {said}");
    }
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let marker = marker("interrupt");
    let tiny = sleeper(&marker);
    let before = scratch(&tiny);
    let running = tiny.start(&["build", "build.x"]);
    // The shell and its two children.
    wait_until("the step runs", || processes_with(&marker).len() >= 3);
    running.signal(Signal::INT);
    let said = running.end(&tiny);
    said.expect(1, &["interrupted"]);
    assert_eq!(processes_with(&marker), [0_u32; 0], "no process is left");
    assert_eq!(mounts_below(&tiny), [""; 0], "no mount is left");
    assert_eq!(scratch(&tiny), before, "no scratch is left");
}

#[test]
fn a_kill_leaves_no_process_and_the_next_run_sweeps() {
    let marker = marker("kill");
    let tiny = sleeper(&marker);
    let before = scratch(&tiny);
    let running = tiny.start(&["build", "build.x"]);
    wait_until("the step runs", || processes_with(&marker).len() >= 3);
    running.signal(Signal::KILL);
    assert_eq!(running.end(&tiny).code, -1);
    wait_until("all its processes end", || processes_with(&marker).is_empty());
    assert_eq!(mounts_below(&tiny), [""; 0], "no mount is left");
    assert_eq!(scratch(&tiny), before, "the next run sweeps the scratch");
}

#[test]
fn two_processes_build_a_step_once() {
    let tiny = Tiny::of_script("sleep 1\ncopy /usr/share/tiny-sh/version /out/v");
    let running: Vec<_> =
        (0..2).map(|_| tiny.start(&["build", "--json", "--no-out", "build.x"])).collect();
    let said: Vec<_> = running.into_iter().map(|running| running.end(&tiny)).collect();
    for said in &said {
        assert_eq!(said.code, 0, "{said}");
    }
    let ids: Vec<_> = said.iter().map(|said| said.answer()["targets"][0]["id"].clone()).collect();
    assert_eq!(ids[0], ids[1]);
    let label = tiny.answer(&["plan", "build.x"])["steps"]
        .as_array()
        .and_then(|steps| steps.iter().find(|step| step["action"] == "run").cloned())
        .expect("a command")["step"]
        .as_str()
        .expect("a label")
        .to_owned();
    let built = said.iter().flat_map(|said| outcomes(said, &label)).filter(|it| it == "built");
    assert_eq!(built.count(), 1, "{}\n{}", said[0], said[1]);
    let records = tiny.run(&["show", &key_of_command(&tiny, "build.x"), "--json"]).out;
    assert_eq!(records.lines().count(), 1, "it was executed once: {records}");
}

#[test]
fn plan_says_what_a_build_would_do() {
    let tiny = Tiny::new(RECIPES);
    let said = tiny.run(&["plan"]);
    said.expect(0, &["to run", "unknown until those are done"]);
    assert!(said.out.contains("build.hello") && said.out.contains("unknown"), "{said}");
    assert!(said.out.contains("recipes/tiny.toml:"), "positions stand there: {said}");
    assert!(!tiny.workspace.path("out").exists(), "a plan makes nothing");
    tiny.build(&[]);
    let said = tiny.run(&["plan"]);
    said.expect(0, &["nothing to do"]);
    assert_eq!(said.out, "");
    assert!(tiny.says(&["plan", "--all"]).contains("reused"));
    let plan = tiny.answer(&["plan"]);
    assert_eq!(plan["version"], 1);
    let steps = plan["steps"].as_array().expect("steps");
    assert!(steps.iter().all(|step| step["fate"] == "reused" && step["key"].is_string()));
}

#[test]
fn graph_draws_all_steps() {
    let tiny = Tiny::new(RECIPES);
    let dot = tiny.says(&["graph"]);
    assert!(dot.starts_with("digraph groundup {") && dot.ends_with("}\n"), "{dot}");
    assert!(dot.contains("\"packages\" [shape = box]"), "{dot}");
    assert!(tiny.says(&["graph", "--full"]).contains("package tiny-sh"));
    let graph = tiny.answer(&["graph"]);
    assert_eq!(graph["version"], 1);
    let steps = graph["steps"].as_array().expect("steps");
    // Inputs stand before what reads them.
    for (index, step) in steps.iter().enumerate() {
        assert_eq!(step["index"], index);
        for input in step["inputs"].as_array().expect("inputs") {
            assert!(input["step"].as_u64().is_none_or(|of| of < index as u64), "{step}");
        }
    }
    assert_eq!(tiny.says(&["graph", "--format", "json"]), tiny.says(&["graph", "--json"]));
    assert_eq!(dot, tiny.says(&["graph"]));
}

#[test]
fn show_tells_what_an_id_is() {
    let tiny = Tiny::new(RECIPES);
    let built = tiny.answer(&["build", "build.hello"]);
    let id = built["targets"][0]["id"].as_str().expect("an id");
    let tree = tiny.run(&["show", id]);
    assert!(tree.out.contains("-0644     0     0          6 /hello.txt\n"), "{tree}");
    let listed = tiny.answer(&["show", id]);
    assert_eq!(listed["version"], 1);
    let file = listed["entries"].as_array().and_then(|entries| entries.last()).expect("an entry");
    let blob = file["content"]["blob"].as_str().expect("a file");
    for name in [blob, &format!("blob:{blob}")] {
        assert_eq!(tiny.says(&["show", name.trim_start_matches("blob:blob:")]), "hello\n");
    }
    let step = tiny.says(&["show", &key_of_command(&tiny, "build.hello")]);
    for part in ["step       build.hello", "action     run", "input ", "output     out  tree:"] {
        assert!(step.contains(part), "`{part}` is not in: {step}");
    }
    tiny.run(&["show", "nothing"]).expect(2, &["`nothing` is no id", "help: "]);
    tiny.run(&["show", "blob:00"]).expect(2, &["this has 2 characters"]);
    tiny.run(&["show", &"0".repeat(64)]).expect(1, &["knows nothing of"]);
}

/// The file of a blob in the store, made writable.
fn blob_file(tiny: &Tiny, content: &[u8]) -> PathBuf {
    let blobs = tiny.workspace.path("store/blobs");
    #[allow(clippy::disallowed_methods, reason = "each is looked at, in whatever order")]
    let entries = |path: &PathBuf| {
        fs::read_dir(path).expect("a directory").map(|entry| entry.expect("an entry").path())
    };
    let found = entries(&blobs)
        .filter(|path| path.is_dir())
        .flat_map(|shard| entries(&shard).collect::<Vec<_>>())
        .find(|file| fs::read(file).is_ok_and(|bytes| bytes == content));
    found.expect("the store has that blob")
}

#[test]
fn a_damaged_blob_is_found_removed_and_made_again() {
    let tiny = Tiny::new(RECIPES);
    tiny.build(&[]);
    tiny.run(&["store", "verify"]).expect(0, &["all well"]);
    let file = blob_file(&tiny, b"hello\n");
    let writable: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&file, writable).expect("it is ours");
    fs::write(&file, "hellO\n").expect("it is ours");

    let found = tiny.run(&["store", "verify"]);
    found.expect(1, &["2 problems", "groundup store repair"]);
    assert!(found.out.starts_with("damaged"), "{found}");
    let answer = tiny.answer(&["store", "verify"]);
    assert_eq!((&answer["version"], &answer["clean"]), (&1.into(), &false.into()), "{answer}");

    let repaired = tiny.run(&["store", "repair"]);
    assert!(repaired.code == 0 && repaired.out.starts_with("removed"), "{repaired}");
    tiny.run(&["store", "verify"]).expect(0, &["all well"]);
    fs::remove_dir_all(tiny.workspace.path("out")).expect("outputs were copied");
    tiny.build(&["build.hello"]);
    assert_eq!(tiny.workspace.read("out/build.hello/hello.txt"), "hello\n");
    tiny.run(&["store", "verify"]).expect(0, &["all well"]);
}

#[test]
fn collect_drops_what_no_root_needs_and_a_build_makes_it_again() {
    let tiny = Tiny::new(RECIPES);
    tiny.build(&[]);
    let dry = tiny.run(&["store", "collect", "--dry-run"]);
    assert!(dry.code == 0 && dry.out.contains("drop "), "{dry}");
    let dry = tiny.answer(&["store", "collect", "--dry-run"]);
    assert_eq!((&dry["version"], &dry["dry_run"]), (&1.into(), &true.into()), "{dry}");
    let again = tiny.answer(&["store", "collect", "--dry-run"]);
    assert_eq!(dry["dropped"], again["dropped"], "a dry run drops nothing");
    let collected = tiny.answer(&["store", "collect", "--checkouts"]);
    assert!(collected["freed"]["bytes"].as_u64() >= dry["dropped"]["bytes"].as_u64());
    let nothing = tiny.answer(&["store", "collect"]);
    assert_eq!(nothing["dropped"]["count"], 0, "{nothing}");
    tiny.run(&["store", "verify"]).expect(0, &["all well"]);

    assert_eq!(tiny.build(&[]).built, 0, "results outlive contents");
    let recipe = tiny.workspace.read("recipes/tiny.toml");
    tiny.workspace.write("recipes/tiny.toml", recipe.replace("echo copied", "echo again"));
    tiny.run(&["build"]).expect(0, &[]);
    assert_eq!(tiny.says(&["log", "build.hello"]), "again\n");
    tiny.run(&["store", "verify"]).expect(0, &["all well"]);
}

#[test]
fn json_answers_have_a_version() {
    let tiny = Tiny::new(RECIPES);
    for arguments in [
        &["lock"][..],
        &["lock", "--check"],
        &["update"],
        &["vendor"],
        &["vendor", "--check"],
        &["plan"],
        &["build"],
        &["graph"],
        &["doctor"],
        &["store", "status"],
        &["store", "verify"],
        &["store", "repair"],
        &["store", "collect", "--dry-run"],
    ] {
        let said = tiny.run(&[arguments, &["--json"]].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {said}");
        let version = if ["lock", "update"].contains(&arguments[0]) { 2 } else { 1 };
        assert_eq!(said.answer()["version"], version, "{arguments:?}: {said}");
    }
    let doctor = tiny.answer(&["doctor"]);
    assert_eq!(doctor["can_build"], true);
    let lacks = |check: &Value| check["status"] != "ok" && !check["remedy"].is_string();
    let checks = doctor["checks"].as_array().expect("checks");
    assert!(!checks.iter().any(lacks), "whatever is missing has a remedy: {doctor}");
    let build = tiny.run(&["build", "--json", "--rerun", "build.hello"]);
    let events: Vec<Value> =
        build.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(events[0]["event"], "planned", "{build}");
    assert_eq!(events.last().expect("a last one")["event"], "result", "{build}");
}

#[test]
fn every_command_has_help() {
    let tiny = Tiny::empty();
    let help = tiny.says(&["--help"]);
    let commands = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let commands: Vec<_> = commands
        .expect("a list of commands")
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .collect();
    assert!(commands.len() >= 12, "{help}");
    for command in commands {
        for form in ["-h", "--help"] {
            let help = tiny.says(&[command, form]);
            assert!(help.contains("Usage: groundup ") && help.lines().count() > 8, "{help}");
        }
    }
    assert!(tiny.says(&["--version"]).starts_with("groundup "));
}

#[test]
fn usage_errors_say_what_is_meant() {
    let tiny = Tiny::new(RECIPES);
    tiny.run(&["build", "image.helo"]).expect_exactly(
        2,
        "error: there is no target `image.helo`\nhelp: did you mean `image.hello`?\n",
    );
    tiny.run(&["plan", "imag.hello"]).expect(2, &["help: did you mean `image.hello`?"]);
    tiny.run(&["build", "image.unlike-anything"]).expect(
        2,
        &[
            "there is no target",
            "help: targets are `source.hello`, `rootfs.base`, `build.hello`, `image.hello`",
        ],
    );
    tiny.run(&["build", "image.z*"]).expect(2, &["no target fits the pattern `image.z*`"]);
    tiny.run(&["build", "--jsn"]).expect(2, &["--json"]);
    tiny.run(&["biuld"]).expect(2, &["'build'"]);
    tiny.run(&["log", "image.hello"]).expect(2, &["runs no command", "steps that run a command"]);
    tiny.run(&["store", "collect", "--frob"]).expect(2, &["--frob"]);
    tiny.run(&["init"]).expect(2, &["`groundup.toml` is there already"]);
    tiny.run(&["build", "--oci-archive", "x.tar", "build.hello"])
        .expect(2, &["exactly one image target"]);
    assert!(!tiny.workspace.path("out").exists(), "what cannot be is refused before the build");
}

#[test]
fn a_place_without_a_workspace_or_store_is_named() {
    let tiny = Tiny::empty();
    let said = tiny.run(&["build"]);
    said.expect(2, &["there is no groundup.toml in `[FOLDER]/work`", "groundup init"]);
    tiny.run(&["-C", "nowhere", "plan"]).expect(2, &["cannot act in `nowhere`"]);
    tiny.run(&["store", "status"]).expect(3, &["there is no store at"]);
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let tiny = Tiny::new(RECIPES);
    let coloured = |arguments: &[&str]| tiny.run(arguments).err.contains('\x1b');
    let wrong = ["build", "image.helo"];
    assert!(!coloured(&wrong));
    assert!(coloured(&[&wrong[..], &["--color", "always"]].concat()));
    let mut forced = tiny.command(&wrong);
    forced.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
    assert!(tiny.said(&forced.output().expect("the program starts")).err.contains('\x1b'));
    let mut never = tiny.command(&[&wrong[..], &["--color", "never"]].concat());
    never.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
    assert!(!tiny.said(&never.output().expect("the program starts")).err.contains('\x1b'));
}

#[test]
fn an_archive_without_a_mirror_is_named_with_the_setting() {
    let tiny = Tiny::unlocked(RECIPES);
    fs::remove_file(tiny.workspace.path("groundup.local.toml")).expect("it was written");
    let said = tiny.run(&["lock"]);
    said.expect(3, &["`tiny`", "[mirrors]"]);
    assert!(!tiny.workspace.path("groundup.lock").exists());
}

#[test]
fn a_step_for_another_platform_is_named() {
    let recipe = RECIPES
        .replace("[build.hello]\n", &format!("[build.hello]\nplatform = \"linux/{FOREIGN}\"\n"));
    let recipe = recipe
        .replace("[rootfs.base]\n", &format!("[rootfs.base]\nplatforms = [\"linux/{FOREIGN}\"]\n"));
    let deb = groundup_testkit::Deb::new("tiny-sh", "1", "all").file("bin/sh", "", 0o755);
    let tiny = Tiny::with_packages(&recipe, vec![deb]);
    tiny.says(&["lock"]);
    let said = tiny.run(&["build"]);
    let named = format!("error: build.hello run linux/{FOREIGN}: this step executes on linux/");
    said.expect(3, &[&named, "`platform`", "at recipes/tiny.toml:"]);
    // Its root file system needs no execution.
    tiny.run(&["build", "rootfs.base"]).expect(0, &[]);
}

#[test]
fn recipe_errors_exit_with_2_and_the_environment_with_3() {
    let tiny = Tiny::new(RECIPES);
    let recipe = tiny.workspace.read("recipes/tiny.toml");
    tiny.workspace.write("recipes/tiny.toml", recipe.replace("script =", "scirpt ="));
    tiny.run(&["build"]).expect(2, &["recipes/tiny.toml", "`scirpt`", "`script`"]);
    tiny.workspace.write("recipes/tiny.toml", recipe);
    let file = tiny.workspace.path("file").display().to_string();
    fs::write(&file, "no store").expect("the workspace is ours");
    tiny.run(&["--store", &file, "build"]).expect(3, &["file"]);
}
