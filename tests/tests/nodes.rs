//! Kernels and nodes from the recipes of this repository: configured, built, booted.
//!
//! All tests share one workspace and its store. The longest is the boot of `node.micro`, whose kernel
//! is compiled on the way. What `kernel.edge` and `node.worker` are is tried by named commands
//! (`groundup test node.worker`, and the example `equal_nodes` of this crate).
#![allow(clippy::unwrap_used, reason = "a test fails where it is surprised")]

use groundup_kernel::{Config, ConfigDiff};
use groundup_tests::{
    answer, copy_recipes, history::every_path_ends, in_workspace, signing::Signer, succeed, told,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// The recipes of this repository, and some that are wrong on purpose.
fn workspace() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        // A static is never dropped: what the last run left is removed by this one.
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nodes-tests");
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(&root).output();
        let _ = fs::remove_dir_all(&root);
        copy_recipes(&root);
        fs::write(root.join("recipes/wrong.toml"), WRONG).unwrap();
        fs::write(root.join("recipes/wrong.patch"), PATCH).unwrap();
        fs::create_dir(root.join("hello")).unwrap();
        fs::write(root.join("hello/hello.c"), HELLO).unwrap();
        fs::write(root.join("hello/Kbuild"), "obj-m := hello.o\n").unwrap();
        root
    })
}

const WRONG: &str = r#"
[kernel.dropped]
extends = "kernel.tiny"
options = { TMPFS = "y", NO_SUCH_THING = "y", CRC32 = "n", EXT4_FS = "y", BLOCK = "y" }

[kernel.torn]
extends = "kernel.micro"

[kernel.torn.options]
PRINTK = "y"
TMPFS = "n"

[kernel.unpatched]
extends = "kernel.tiny"
patches = ["recipes/wrong.patch"]

[kernel.modular]
extends = "kernel.tiny"
modules = true
headers = true
options = { MODULES = "y", CRC_CCITT = "m", CRC7 = "m" }

[source.hello]
path = "hello"

[build.hello]
rootfs = "rootfs.toolchain-kernel"
sources = { hello = "source.hello" }
deps = { headers = "kernel.modular:headers" }
script = """
cp -R /src/hello hello
make -C /deps/headers M=/build/hello ARCH=x86_64 modules
cp hello/hello.ko /out/
"""

[build.diffconfig]
rootfs = "rootfs.tools"
sources = { linux = "source.linux" }
deps = { old = "kernel.tiny:config", new = "kernel.modular:config" }
script = """
cp /deps/old/config /out/old
cp /deps/new/config /out/new
/src/linux/scripts/diffconfig /out/old /out/new > /out/said
"""

[image.node-micro]
tag = "node-micro:1"
trees = [{ from = "node.micro:disk", to = "/disk" }]

[node.blind]
extends = "node.micro"
kernel = "kernel.modular"
rootfs = "rootfs.initrd"

[node.cramped]
extends = "node.micro"
disk_size = "16MiB"

[node.deaf]
extends = "node.micro"
[node.deaf.test]
script = "true"

[node.mute]
extends = "node.micro"
[node.mute.test]
console = ["micro: never said"]
timeout = "20s"

[node.shipped]
extends = "node.micro"
[node.shipped.test]
firmware = "uefi"
"#;

/// A kernel that takes no time to compile: its modules are what kmod takes for some, and what the
/// signing of modules needs to know of it is so.
const QUICK: &[(&str, &str)] = &[
    (
        "linux/Makefile",
        "tinyconfig:\n\tprintf 'CONFIG_MODULES=y\\nCONFIG_CRYPTO_SHA256=y\\n' > $(O)/.config\n\
         olddefconfig:\n\t@true\n\
         kernelrelease:\n\t@echo 1.0.0\n\
         bzImage:\n\tmkdir -p $(O)/arch/x86/boot\n\t\
         tee $(O)/arch/x86/boot/bzImage $(O)/vmlinux < /deps/trusted/certificate.pem > $(O)/System.map\n\
         modules: one.ko two.ko\n\
         %.ko:\n\techo 'char $*[] __attribute__((section(\".modinfo\"))) = \"name=$*\";' | \
         gcc -xc -c -o $(O)/$@ -\n\
         modules_install:\n\tmkdir -p $(INSTALL_MOD_PATH)/lib/modules/1.0.0/kernel\n\t\
         cp $(O)/*.ko $(INSTALL_MOD_PATH)/lib/modules/1.0.0/kernel\n",
    ),
    (
        "linux/Kconfig",
        "config MODULES\n\tbool \"modules\"\nconfig CRYPTO_SHA256\n\tbool \"hash\"\n\
         config MODULE_SIG\n\tbool \"signatures\"\nconfig MODULE_SIG_ALL\n\tbool \"all\"\n\
         config MODULE_SIG_SHA256\n\tbool \"hash\"\nconfig MODULE_SIG_KEY\n\tstring \"key\"\n\
         config SYSTEM_TRUSTED_KEYS\n\tstring \"keys\"\n",
    ),
    (
        "recipes/quick.toml",
        r#"
[source.quick]
path = "linux"

[kernel.quick]
source = "source.quick"
toolchain = "rootfs.toolchain-kernel-signing"
base = "tinyconfig"

[kernel.quick.signing]
certificate = "keys/cert.pem"
signatures = "keys/quick"

[build.sign-file]
rootfs = "rootfs.toolchain-kernel-signing"
sources = { linux = "source.linux" }
script = "gcc -w -o /out/sign-file /src/linux/scripts/sign-file.c -lcrypto"
"#,
    ),
];

/// A module of a real kernel, compiled after an edit, in an image beside fifty other files.
const MARK: &str = r#"
[source.edit]
path = "edit"

[source.bulk]
path = "bulk"

[build.xt-mark]
rootfs = "rootfs.toolchain-kernel"
sources = { linux = "source.linux", edit = "source.edit" }
script = '''
mkdir -p /build/o /build/m
cp /src/linux/net/netfilter/xt_mark.c /build/m/
sed -i -f /src/edit/mark.sed /build/m/xt_mark.c
echo 'obj-m := xt_mark.o' > /build/m/Makefile
cd /src/linux
make -s O=/build/o tinyconfig
for option in 64BIT MODULES NET INET IPV6 NETFILTER NETFILTER_ADVANCED DEBUG_INFO_DWARF5; do
    echo "CONFIG_$option=y"
done >> /build/o/.config
for option in NETFILTER_XTABLES IP_NF_IPTABLES IP6_NF_IPTABLES; do
    echo "CONFIG_$option=m"
done >> /build/o/.config
make -s O=/build/o olddefconfig
make -s O=/build/o -j2 modules_prepare
make -s O=/build/o M=/build/m KBUILD_MODPOST_WARN=1 modules
mkdir -p /out/lib/modules/6.1.0/kernel/net/netfilter
cp /build/m/xt_mark.ko /out/lib/modules/6.1.0/kernel/net/netfilter/
'''

[image.modules]
trees = ["build.xt-mark", { from = "source.bulk", to = "/usr/share/bulk" }]
"#;

/// A module outside the kernel's tree.
const HELLO: &str = r#"
#include <linux/crc7.h>
#include <linux/module.h>
static int __init hello(void) { pr_info("%d\n", crc7_be(0, "x", 1)); return 0; }
static void __exit bye(void) {}
module_init(hello);
module_exit(bye);
MODULE_LICENSE("GPL");
"#;

const PATCH: &str = "--- a/MAINTAINERS\n+++ b/MAINTAINERS\n@@ -1,2 +1,2 @@\n no such line\n-nor this one\n+another\n";

fn groundup(arguments: &[&str]) -> Output {
    in_workspace(workspace()).args(arguments).output().unwrap()
}

/// The line of the wrong recipes that begins with these words, counted from 1.
fn line_of(start: &str) -> usize {
    1 + WRONG.lines().position(|line| line.starts_with(start)).unwrap()
}

/// What a command that must fail with exit code 1 said.
fn failure(arguments: &[&str]) -> String {
    let output = groundup(arguments);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_node_boots_and_its_test_is_a_result_like_any_other() {
    let mut test = in_workspace(workspace());
    assert_eq!(succeed(test.args(["test", "node.micro"])), "node.micro  passed\n");
    let mut again = in_workspace(workspace());
    assert_eq!(succeed(again.args(["test", "node.micro"])), "node.micro  passed (before)\n");
    let mut log = in_workspace(workspace());
    let console = succeed(log.args(["log", "node.micro test linux/amd64"]));
    assert!(console.contains("micro: the root is read-only"), "{console}");

    // What is shipped is what programs that are not ours take.
    succeed(in_workspace(workspace()).args(["build", "node.micro"]));
    let look = "cd out/node.micro && sfdisk --verify disk.raw && unsquashfs -s root.squashfs && \
                veritysetup verify root.squashfs root.verity $(cat roothash) && \
                qemu-img compare -f raw -F qcow2 disk.raw disk.qcow2 && objdump -h uki.efi";
    let mut run = in_workspace(workspace());
    let said = succeed(run.args(["run", "rootfs.node-tools", "--", "sh", "-euc", look]));
    assert!(said.contains("No errors detected") && said.contains(".initrd"), "{said}");
}

#[test]
fn every_path_of_a_node_ends_at_a_pin_a_recipe_or_a_file() {
    succeed(in_workspace(workspace()).args(["build", "node.micro"]));
    let ends = every_path_ends(workspace(), "node.micro");
    assert!(ends.pins > 0 && ends.recipes > 10, "{ends:?}");
    // What is not in the root is found where it is.
    let why = |words: &[&str]| answer(in_workspace(workspace()).arg("why").args(words));
    let disk = why(&["node.micro", "/disk.raw"]);
    assert_eq!(disk["end"]["kind"], "recipe", "{disk}");
    let init = why(&["node.micro:initramfs", "/init"]);
    assert_eq!(
        (&init["end"]["kind"], &init["end"]["what"]),
        (&"recipe".into(), &"node.micro".into())
    );
    let kernel = why(&["kernel.micro", "/vmlinuz"]);
    assert_eq!(kernel["end"]["kind"], "pin", "{kernel}");
    assert!(kernel["end"]["what"].as_str().unwrap().contains(".orig."), "{kernel}");
    let busybox = fs::read(workspace().join("groundup.lock")).unwrap();
    let place = why(&["node.micro", "/bin/busybox"])["end"]["place"].as_str().unwrap().to_owned();
    let line: usize = place.rsplit_once(':').unwrap().1.parse().unwrap();
    let text = String::from_utf8(busybox).unwrap();
    assert!(text.lines().nth(line - 1).unwrap().starts_with("\"busybox-static "), "{place}");
}

#[test]
fn a_node_travels_as_an_oci_image() {
    let mut build = in_workspace(workspace());
    succeed(build.args(["build", "image.node-micro", "node.micro:disk"]));
    let look = "touch /etc/resolv.conf; umoci unpack --rootless --image \
                out/image.node-micro:node-micro:1 unpacked && \
                cmp unpacked/rootfs/disk/disk.raw out/node.micro-disk/disk.raw && \
                skopeo copy --quiet oci:out/image.node-micro dir:copied && ls copied";
    let mut run = in_workspace(workspace());
    let said = succeed(run.args(["run", "rootfs.tools", "--", "sh", "-euc", look]));
    assert!(said.contains("manifest.json"), "{said}");
}

#[test]
fn facts_say_what_a_node_and_its_kernel_are() {
    let mut build = in_workspace(workspace());
    succeed(build.args(["build", "node.micro", "kernel.micro"]));
    let facts = |path: &str| -> serde_json::Value {
        let path = workspace().join("out").join(path);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let node = facts("node.micro-facts/node.json");
    let lock = fs::read_to_string(workspace().join("groundup.lock")).unwrap();
    let version = node["packages"]["busybox-static"]["version"].as_str().unwrap();
    assert!(lock.contains(&format!("\"busybox-static {version} ")), "{version}");
    let kernel = facts("kernel.micro-facts/kernel.json");
    assert_eq!(kernel["config"]["DM_VERITY"], "y");
    assert_eq!(kernel["config"]["MODULES"], serde_json::Value::Null);
}

#[test]
fn a_node_boots_by_uefi_from_the_disk_that_is_shipped() {
    let mut test = in_workspace(workspace());
    assert_eq!(succeed(test.args(["test", "node.shipped"])), "node.shipped  passed\n");
    let mut log = in_workspace(workspace());
    let console = succeed(log.args(["log", "node.shipped test linux/amd64"]));
    assert!(console.contains("EFI stub: Loaded initrd"), "{console}");
}

#[test]
fn a_boot_that_hangs_ends_at_its_limit_with_the_last_lines_of_the_console() {
    let said = failure(&["test", "node.mute"]);
    for part in ["limit of wall time", "| micro: up", "raise `timeout` in `[node.mute.test]`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_test_that_could_not_pass_is_refused_before_the_boot() {
    let said = failure(&["test", "node.deaf"]);
    let reason = "/sbin/init is /usr/bin/busybox, not systemd, which starts the `script`";
    assert!(
        said.contains("the test of the node could not pass") && said.contains(reason),
        "{said}"
    );
}

#[test]
fn a_kernel_that_is_built_again_is_the_same_and_its_modules_are_what_kmod_takes() {
    let target = "kernel.modular";
    succeed(in_workspace(workspace()).args(["build", "--jobs", "2", target]));
    let step = "kernel.modular build linux/amd64";
    // Compiled anew where it was compiled in steps of its own before, with another count of jobs.
    let output = groundup(&["build", "--jobs", "3", "--no-reuse", "--rerun", step, target]);
    assert!(output.status.success(), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("1 step built") && !said.contains("unstable"), "{said}");

    // All of it again, out of what was compiled before.
    let output = groundup(&["build", "--rerun", step, target]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(": 0 run, ") && !said.contains("unstable"), "{said}");

    let facts = workspace().join("out/kernel.modular-facts/kernel.json");
    let facts: serde_json::Value = serde_json::from_slice(&fs::read(facts).unwrap()).unwrap();
    let module = &facts["modules"]["kernel/lib/crc-ccitt.ko"];
    let exports = module["exports"].as_array().unwrap();
    assert!(exports.iter().any(|it| it["name"] == "crc_ccitt_table"), "{module}");
    assert!(facts["release"].as_str().unwrap().starts_with("6.1"));

    // A module outside of it, against its headers: the same release, and a need of one inside.
    succeed(in_workspace(workspace()).args(["build", "build.hello"]));
    let look = "modinfo out/build.hello/hello.ko";
    let mut run = in_workspace(workspace());
    let said = succeed(run.args(["run", "rootfs.toolchain-kernel", "--", "sh", "-euc", look]));
    let release = facts["release"].as_str().unwrap();
    let vermagic = format!("vermagic:       {release} ");
    assert!(said.contains(&vermagic) && said.contains("depends:        crc7"), "{said}");

    // What depmod would write is what it wrote; modules have the table of symbols that says what
    // they export and need.
    let look = r#"
        cd out/kernel.modular-modules/usr
        modules=$(echo lib/modules/*)
        modinfo "$modules"/kernel/lib/*.ko
        depmod -n -b . "${modules##*/}" > ../../depmod.said
        for table in dep alias symbols; do
            grep -v '^#' "$modules/modules.$table" > ../../depmod.wrote || continue
            if grep -v -x -F -f ../../depmod.said ../../depmod.wrote; then exit 1; fi
        done
        test -s "$modules/modules.dep"
        nm "$modules/kernel/lib/crc-ccitt.ko"
    "#;
    let mut run = in_workspace(workspace());
    let said = succeed(run.args(["run", "rootfs.toolchain-kernel", "--", "sh", "-euc", look]));
    for part in ["vermagic:       6.1", "crc7.ko", "crc_ccitt_table"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_difference_of_configurations_is_shown_as_the_kernel_itself_shows_it() {
    succeed(in_workspace(workspace()).args(["build", "build.diffconfig"]));
    let out = workspace().join("out/build.diffconfig");
    let read =
        |name: &str| Config::parse_resolved(name, &fs::read(out.join(name)).unwrap()).unwrap();
    let (old, new) = (read("old"), read("new"));
    let theirs = fs::read_to_string(out.join("said")).unwrap();
    assert_eq!(ConfigDiff::new(&old, &new).to_string(), theirs);
    assert!(theirs.contains(" MODULES n -> y") && theirs.contains("CRC_CCITT"), "{theirs}");
}

#[test]
fn an_option_that_does_not_hold_is_an_error_with_its_reason_and_line() {
    let said = failure(&["build", "kernel.dropped"]);
    for reason in [
        "CONFIG_TMPFS=y was asked for at recipes/wrong.toml:4",
        "it depends on CONFIG_SHMEM, which is n (fs/Kconfig:",
        "CONFIG_NO_SUCH_THING=y was asked for at recipes/wrong.toml:4",
        "recipes/wrong.toml:2",
    ] {
        assert!(said.contains(reason), "{reason}: {said}");
    }
}

#[test]
fn an_option_and_a_fragment_that_contradict_each_other_are_named_with_both_lines() {
    let said = failure(&["build", "kernel.torn"]);
    let both =
        "recipes/wrong.toml:11: CONFIG_TMPFS is n here, but y at recipes/kernel/virtual.config:16";
    assert!(said.contains(both), "{said}");
}

#[test]
fn a_patch_that_does_not_fit_is_shown_with_its_hunk() {
    let said = failure(&["build", "kernel.unpatched"]);
    for part in
        ["recipes/wrong.patch", "/MAINTAINERS: hunk 1 of 1", "     no such line", "    +another"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_node_that_would_not_boot_is_refused_before_anything_is_written() {
    let said = failure(&["build", "node.blind"]);
    for part in [
        "the node would not boot",
        "CONFIG_DM_VERITY=y, which the hash tree of the root needs",
        "CONFIG_SQUASHFS=y, which the root needs",
        "one of CONFIG_VIRTIO_BLK=y, ",
        "no program at /sbin/init",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("node.blind squashfs"), "{said}");
}

#[test]
fn a_disk_that_is_too_small_says_by_how_much() {
    let said = failure(&["build", "node.cramped"]);
    let place = format!("at recipes/wrong.toml:{}", line_of("disk_size"));
    for part in ["a disk of 16777216 bytes is too small by ", place.as_str()] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn modules_carry_signatures_that_were_made_outside() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("signing");
    copy_recipes(&root);
    let signer = Signer::new(&root, &workspace().join("store"));
    fs::create_dir(root.join("linux")).unwrap();
    for (path, text) in QUICK {
        fs::write(root.join(path), text).unwrap();
    }
    let refused = || {
        let output = signer.groundup().args(["build", "kernel.quick"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };

    // What is missing is named, and what to do about it is a script that does it.
    let said = refused();
    let module = "usr/lib/modules/1.0.0/kernel/two.ko has no signature keys/quick/";
    assert!(said.contains(module) && said.contains("at recipes/quick.toml:12"), "{said}");
    succeed(signer.groundup().args(["build", "kernel.quick:unsigned", "build.sign-file"]));
    signer.sign_as_told(&said, "keys/quick");
    succeed(signer.groundup().args(["build", "kernel.quick"]));

    // The kernel's own program makes the same signatures and the same modules, and kmod reads them.
    let said = signer.tools(
        r#"
        sign=$PWD/out/build.sign-file/sign-file
        cd out/kernel.quick-unsigned
        while read -r sum module; do
            cp "$module" ../mine.ko
            "$sign" -p sha256 ../../key.pem ../../keys/cert.pem ../mine.ko
            cmp ../mine.ko.p7s "../../keys/quick/$sum.p7s"
            "$sign" -s ../mine.ko.p7s sha256 ../../keys/cert.pem "$module" ../mine.ko
            cmp ../mine.ko "../kernel.quick-modules/$module"
            modinfo ../kernel.quick-modules/"$module"
        done < SHA256SUMS
        cmp usr/lib/modules/1.0.0/modules.dep ../kernel.quick-modules/usr/lib/modules/1.0.0/modules.dep
        "#,
    );
    let signers = said.lines().filter(|line| *line == "signer:         groundup test").count();
    assert!(signers == 2 && said.contains("sig_hashalgo:   sha256"), "{said}");
    let facts = fs::read(root.join("out/kernel.quick-facts/kernel.json")).unwrap();
    let facts: serde_json::Value = serde_json::from_slice(&facts).unwrap();
    assert_eq!(facts["modules"]["kernel/one.ko"]["signed"], true);

    // Neither signatures that are left over are taken, nor those of other modules, nor what the kernel
    // would refuse.
    let extra = root.join("keys/quick/0123.p7s");
    fs::write(&extra, "of something else").unwrap();
    let said = refused();
    assert!(said.contains("keys/quick/0123.p7s is of no module of kernel.quick"), "{said}");
    fs::remove_file(extra).unwrap();
    let sums = fs::read_to_string(root.join("out/kernel.quick-unsigned/SHA256SUMS")).unwrap();
    let names = sums.lines().map(|line| root.join(format!("keys/quick/{}.p7s", &line[..64])));
    let names: Vec<PathBuf> = names.collect();
    let good = fs::read(&names[0]).unwrap();
    fs::copy(&names[1], &names[0]).unwrap();
    let said = refused();
    assert!(said.contains("it does not hold by keys/cert.pem: verification failure"), "{said}");
    fs::write(&names[0], "no signature").unwrap();
    assert!(refused().contains("it is no CMS signature in DER"));
    let sign = |how: &str| {
        let place = names[0].display();
        signer.tools(&format!(
            "openssl cms -sign -binary -outform DER -nocerts -signer keys/cert.pem -inkey key.pem \
             {how} -in out/kernel.quick-unsigned/usr/lib/modules/1.0.0/kernel/one.ko -out {place}"
        ));
        refused()
    };
    assert!(sign("-md sha256").contains("it has signed attributes, which the kernel refuses"));
    assert!(sign("-noattr -md sha1").contains("its hash is sha1; take sha256"));
    assert!(sign("-noattr -md sha512").contains("has not set CONFIG_CRYPTO_SHA512=y"));
    assert!(sign("-noattr -md sha256 -nodetach").contains("it holds the module itself"));
    fs::write(&names[0], good).unwrap();
    succeed(signer.groundup().args(["build", "kernel.quick"]));
}

/// The patch kernel that took nodes off the network: one character, two levels below where people look.
#[test]
fn one_character_of_a_kernel_module_is_told_by_the_field_that_it_is_in() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mark-tests");
    let _ = fs::remove_dir_all(&root);
    copy_recipes(&root);
    let bulk = |version: u32| {
        fs::create_dir_all(root.join("bulk")).unwrap();
        for number in 0..50 {
            fs::write(root.join(format!("bulk/{number}")), format!("{number} {version}\n"))
                .unwrap();
        }
    };
    fs::write(root.join("recipes/mark.toml"), MARK).unwrap();
    fs::create_dir_all(root.join("edit")).unwrap();
    fs::write(root.join("edit/mark.sed"), "# as it is\n").unwrap();
    bulk(1);
    let git = |words: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(&root).args(["-c", "user.name=a", "-c", "user.email=a@b.invalid"]);
        succeed(git.args(words));
    };
    fs::write(root.join(".gitignore"), "/store\n/out\n").unwrap();
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "before"]);
    // The toolchain is that of the other tests.
    let store = workspace().join("store");
    let groundup = |words: &[&str]| {
        let mut command = in_workspace(&root);
        command.arg("--store").arg(&store).args(words);
        command
    };
    succeed(&mut groundup(&["build", "--no-out", "image.modules"]));
    let same = succeed(&mut groundup(&["diff", "HEAD:image.modules", "image.modules"]));
    assert!(same.starts_with("equal: "), "{same}");

    fs::write(root.join("edit/mark.sed"), "s/NFPROTO_IPV6/NFPROTO_IPV4/\n").unwrap();
    bulk(2);
    succeed(&mut groundup(&["build", "--no-out", "image.modules"]));
    let output = groundup(&["diff", "HEAD:image.modules", "image.modules"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[1].starts_with("1  file source.edit  mark.sed differs"), "{said}");
    let field = lines.iter().position(|line| line.contains("mark_tg_reg[1].family: 10 -> 2"));
    assert!(field.is_some_and(|at| at < 6), "the field is in the first lines: {said}");
}
