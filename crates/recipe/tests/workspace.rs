//! What recipes mean: `extends`, `vars`, defaults; and what they do not depend on.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use groundup_recipe::{
    Command, FileContent, Loaded, MemoryLoader, Platform, Rootfs, Source, TargetBody, Unpack,
    Workspace, load,
};
use std::time::Duration;

const WORKSPACE: &str = "[workspace]\nname = 'demo'\n[archive.debian]\nsuite = 'bookworm'\n";

fn workspace(recipe: &str) -> Workspace {
    let files = [("groundup.toml", WORKSPACE), ("recipes/a.toml", recipe)];
    match load(&MemoryLoader::new(files)) {
        Ok(Loaded { workspace, .. }) => workspace,
        Err(failure) => panic!("{failure}"),
    }
}

fn body<'a>(workspace: &'a Workspace, name: &str) -> &'a TargetBody {
    &workspace.target(&name.parse().unwrap()).unwrap().body
}

fn rootfs<'a>(workspace: &'a Workspace, name: &str) -> &'a Rootfs {
    match body(workspace, name) {
        TargetBody::Rootfs(rootfs) => rootfs,
        other => panic!("{other:?}"),
    }
}

fn packages(rootfs: &Rootfs) -> Vec<String> {
    rootfs.packages.iter().map(|package| package.to_string()).collect()
}

#[test]
fn a_workspace_without_settings_has_the_documented_defaults() {
    let found = workspace("[rootfs.a]\npackages = ['gcc']\n");
    assert_eq!(found.epoch.value, 315_619_200);
    let a = rootfs(&found, "rootfs.a");
    assert_eq!(a.platforms[0].value, Platform::LinuxAmd64);
    assert_eq!(a.archives[0].value, "debian");
    assert!(!a.recommends && !a.essential);
}

#[test]
fn a_child_appends_overrides_and_merges() {
    let found = workspace(
        "[rootfs.base]
         packages = ['gcc', 'make']
         recommends = true
         links = { '/bin/awk' = 'mawk', '/bin/cc' = 'gcc' }
         files = [{ path = '/a', text = 'old' }, { path = '/b', text = 'b' }]
         [rootfs.child]
         extends = 'rootfs.base'
         packages = ['bison', 'make']
         recommends = false
         links = { '/bin/awk' = 'gawk' }
         files = [{ path = '/a', text = 'new' }]",
    );
    let child = rootfs(&found, "rootfs.child");
    assert_eq!(packages(child), ["gcc", "make", "bison"]);
    assert!(!child.recommends);
    let links: Vec<_> =
        child.overlay.links.iter().map(|l| (l.path.as_str(), l.target.as_str())).collect();
    assert_eq!(links, [("/bin/awk", "gawk"), ("/bin/cc", "gcc")]);
    let texts: Vec<_> = child
        .overlay
        .files
        .iter()
        .map(|file| match &file.content {
            FileContent::Text(text) => text.as_str(),
            FileContent::Repo(_) => panic!("no file of the repository"),
        })
        .collect();
    assert_eq!(texts, ["b", "new"]);
}

#[test]
fn a_child_chooses_anew_among_keys_that_exclude_each_other() {
    let found = workspace(
        "[rootfs.r]
         packages = ['gcc']
         [build.base]
         abstract = true
         rootfs = 'rootfs.r'
         script = 'make ${what}'
         [build.all]
         extends = 'build.base'
         vars.what = 'all'
         [build.other]
         extends = 'build.base'
         command = ['true']
         [source.a]
         url = 'https://mirror.invalid/a.tar.gz'
         strip = 1
         [source.b]
         extends = 'source.a'
         path = 'recipes'",
    );
    let command = |name: &str| match body(&found, name) {
        TargetBody::Build(build) => build.command.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(command("build.all").argv(), ["/bin/sh", "-eu", "-c", "make all"]);
    assert!(matches!(command("build.other"), Command::Argv(words) if words.len() == 1));
    assert!(found.target(&"build.base".parse().unwrap()).is_none());
    let TargetBody::Source(Source::Path { .. }) = body(&found, "source.b") else {
        panic!("a path replaces the url");
    };
}

#[test]
fn variables_of_the_target_go_before_those_of_the_file_and_of_the_workspace() {
    let root = format!("{WORKSPACE}[vars]\na = 'workspace'\nb = 'workspace'\nc = 'workspace'\n");
    let recipe = "[vars]\na = 'file'\nb = 'file'\n
        [image.x]\nvars.a = 'target'\nlabels = { l = '${a} ${b} ${c} $${a} $a' }\n";
    let loader = MemoryLoader::new([("groundup.toml", root.as_str()), ("recipes/a.toml", recipe)]);
    let found = load(&loader).unwrap().workspace;
    let TargetBody::Image(image) = body(&found, "image.x") else { panic!("an image") };
    assert_eq!(image.config.labels["l"], "target file workspace ${a} $a");
}

#[test]
fn archives_of_trees_are_told_by_name_unless_said() {
    let found = workspace(
        "[source.a]\nurl = 'https://mirror.invalid/a-1.tar.xz?x=1'\nstrip = 1
         [source.b]\nurl = 'https://mirror.invalid/b.zip'
         [source.c]\nurl = 'https://mirror.invalid/c.tgz'\nunpack = false",
    );
    let unpack = |name: &str| match body(&found, name) {
        TargetBody::Source(Source::Url { unpack, .. }) => *unpack,
        other => panic!("{other:?}"),
    };
    assert_eq!(unpack("source.a"), Unpack::Tree { strip: 1 });
    assert_eq!(unpack("source.b"), Unpack::File);
    assert_eq!(unpack("source.c"), Unpack::File);
}

const TWO: &str = "
    # A comment.
    [rootfs.base]
    packages = ['gcc']
    essential = true

    [build.hello]
    rootfs = 'rootfs.base'
    script = 'make'
    limits = { memory = '1GiB', wall = '5m' }
    env = { A = '1', B = '2' }
";

#[test]
fn comments_order_and_files_change_nothing() {
    let moved = "
        [build.hello]
        env = { B = '2', A = '1' } # another comment
        limits = { wall = '5m', memory = '1GiB' }
        script = 'make'
        rootfs = 'rootfs.base'
    ";
    let rest = "[rootfs.base]\nessential = true\npackages = ['gcc']\n";
    let files = [("groundup.toml", WORKSPACE), ("recipes/z.toml", moved), ("recipes/b.toml", rest)];
    let other = load(&MemoryLoader::new(files)).unwrap().workspace;
    assert_eq!(workspace(TWO), other);
}

#[test]
fn an_edit_that_means_something_is_seen() {
    assert_ne!(workspace(TWO), workspace(&TWO.replace("B = '2'", "B = '3'")));
}

#[test]
fn limits_are_read_in_bytes_and_seconds() {
    let found = workspace(TWO);
    let TargetBody::Build(build) = body(&found, "build.hello") else { panic!("a build") };
    assert_eq!(build.limits.memory.map(|at| at.value), Some(1 << 30));
    assert_eq!(build.limits.wall.map(|at| at.value), Some(Duration::from_secs(300)));
    assert_eq!(build.output_paths(), [("out", "/out".to_owned())]);
}

#[test]
fn words_of_the_command_line_select_targets() {
    let found = workspace(TWO);
    let names = |words: &[&str]| -> Vec<String> {
        found.select(words).unwrap().iter().map(|found| found.target.to_string()).collect()
    };
    assert_eq!(names(&["build.*", "build.hello"]), ["build.hello"]);
    assert_eq!(names(&["*"]), ["rootfs.base", "build.hello"]);
    let error = found.select(&["build.helo"]).unwrap_err();
    let groundup_recipe::SelectError::Unknown { nearest, .. } = error else { panic!("{error:?}") };
    assert_eq!(nearest.as_deref(), Some("build.hello"));
    assert!(found.select::<&str>(&[]).is_err());
}

#[test]
fn a_word_may_ask_for_one_output() {
    let found = workspace(TWO);
    let outputs = |words: &[&str]| found.select(words).unwrap().pop().unwrap().outputs;
    assert_eq!(outputs(&["build.hello:out"]), Some(["out".to_owned()].into()));
    assert_eq!(outputs(&["build.hello:out", "build.*"]), None);
    assert_eq!(outputs(&["build.hello", "build.hello:out"]), None);
    let error = found.select(&["build.hello:config"]).unwrap_err();
    assert_eq!(error.to_string(), "`build.hello` has no output `config`");
}

#[test]
fn every_field_has_its_position() {
    let files = [("groundup.toml", WORKSPACE), ("recipes/a.toml", TWO)];
    let Loaded { workspace, sources, .. } = load(&MemoryLoader::new(files)).unwrap();
    let target = workspace.target(&"build.hello".parse().unwrap()).unwrap();
    assert_eq!(sources.locate(target.name.span), "recipes/a.toml:7:12");
    assert_eq!(sources.locate(target.fields.of("script").unwrap()), "recipes/a.toml:9:5");
}
