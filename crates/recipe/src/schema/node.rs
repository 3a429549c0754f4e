//! The tables of `node`.

use super::{
    Merge, Spec, Type, optional, required,
    shared::{
        ABSTRACT, DIRS, EXTENDS, FILES, LINE, LINKS, PLATFORMS, REMOVE, TARGET_VARS, TEXT, TREES,
    },
};
use crate::{Kind, form::Form};

const ROOTFS: Type = Type::Text(Form::Target(&[Kind::Rootfs]));

const UNIT: Spec = Spec {
    noun: "a unit",
    doc: "A unit of systemd in `/etc/systemd/system`.",
    keys: &[
        required("name", Type::Text(Form::UnitName), "Its file name, such as `web.service`."),
        optional("text", TEXT, "", "Its content."),
        optional(
            "source",
            Type::Text(Form::RepoPath),
            "",
            "A file of the repository that holds its content.",
        ),
        optional(
            "wanted_by",
            Type::List(&Type::Text(Form::UnitName), Merge::Append),
            "none",
            "Units that start it: a link in their `.wants` directory. `systemctl enable` reads `[Install]` instead; here nothing runs that could.",
        ),
    ],
    one_of: &[&["text", "source"]],
    refused: &[("enable", "say which unit starts it: `wanted_by = [\"multi-user.target\"]`")],
};

const HTTP: Spec = Spec {
    noun: "a page that a node must answer with",
    doc: "A request by HTTP that must be answered with status 200.",
    keys: &[
        required("port", Type::Int { min: 1, max: 65535 }, "The TCP port of the node."),
        optional("path", LINE, "`/`", "What is asked for."),
        required("expect", LINE, "Text that must stand in the answer."),
    ],
    one_of: &[],
    refused: &[("url", "say `port` and `path`: the host is the node")],
};

const TEST: Spec = Spec {
    noun: "a boot test",
    doc: "Boots the node in QEMU, by emulation, and looks at what it says. `groundup test` runs it; the console is its log.",
    keys: &[
        required(
            "emulator",
            ROOTFS,
            "What has `qemu-system-x86_64` with its firmware, a shell, `grep`, `sed` and coreutils, and `curl` for `http`.",
        ),
        optional(
            "firmware",
            Type::Words(&["none", "uefi"]),
            "`\"none\"`",
            "`none` hands kernel and initramfs to QEMU itself; `uefi` boots from the disk as a machine does, with OVMF.",
        ),
        optional(
            "console",
            Type::List(&LINE, Merge::Append),
            "none",
            "Texts that must stand on the console, in this order.",
        ),
        optional(
            "http",
            Type::List(&Type::Table(&HTTP), Merge::Append),
            "none",
            "Pages that the node must answer with. They are read from outside of the machine, through a port of the loopback interface that is forwarded to it.",
        ),
        optional(
            "script",
            TEXT,
            "none",
            "Text that `/bin/sh` of the node runs once systemd is up; the test passes if it exits with code 0. systemd is asked for it on the kernel command line, or, with `firmware = \"uefi\"`, by the EFI variable `SystemdOptions` (the kernel needs `EFIVAR_FS=y`), so that the image stays as it is.",
        ),
        optional("memory", Type::Text(Form::Size), "`512MiB`", "Memory of the machine."),
        optional(
            "timeout",
            Type::Text(Form::Duration),
            "`5m`",
            "After this time the boot has failed, and the last lines of the console are shown.",
        ),
    ],
    one_of: &[],
    refused: &[(
        "kvm",
        "/dev/kvm proves nothing and would be an input that no key names: tests emulate",
    )],
};

pub(super) static NODE: Spec = Spec {
    noun: "a node",
    doc: "A machine that boots: a root file system behind dm-verity, a kernel, an initramfs, a unified kernel image (UKI) and a GPT disk. Outputs: `out` (all of them), `disk`, `qcow2`, `uki`, `root`, `facts` (`node.json`: packages, units, kernel parameters, users, privileged files).",
    keys: &[
        EXTENDS,
        ABSTRACT,
        TARGET_VARS,
        required("rootfs", ROOTFS, "The root file system. It needs an init at `/sbin/init`."),
        required("kernel", Type::Text(Form::Target(&[Kind::Kernel])), "The kernel."),
        required(
            "initrd",
            ROOTFS,
            "What the initramfs is made of besides its `/init`: `busybox`, `veritysetup` and their libraries.",
        ),
        required(
            "tools",
            ROOTFS,
            "What images are written with: `mksquashfs`, `veritysetup`, `objcopy` and the EFI stub, `mkfs.vfat`, `mcopy`, `sfdisk`, `qemu-img`, `zstd`.",
        ),
        optional("cmdline", LINE, "none", "The kernel command line, besides what the root needs."),
        optional("hostname", LINE, "that of the rootfs", "The content of `/etc/hostname`."),
        optional(
            "machine_id",
            Type::Words(&["transient", "uninitialized"]),
            "`\"transient\"`",
            "What `/etc/machine-id` is: empty, so that each boot draws one, or `uninitialized`, so that systemd takes the boot for the first.",
        ),
        optional(
            "units",
            Type::List(&Type::Table(&UNIT), Merge::By("name")),
            "none",
            "Units of systemd.",
        ),
        optional(
            "images",
            Type::List(&Type::Text(Form::Target(&[Kind::Image])), Merge::Append),
            "none",
            "Images that the root carries, each as an OCI archive of the node's platform at `/usr/lib/groundup/images/NAME.tar`. A unit that imports it says how it runs.",
        ),
        optional(
            "sysctl",
            Type::Map(Form::Line, &LINE),
            "none",
            "Kernel parameters that systemd sets.",
        ),
        optional(
            "modules_load",
            Type::List(&LINE, Merge::Append),
            "none",
            "Kernel modules that systemd loads.",
        ),
        optional(
            "disk_size",
            Type::Text(Form::Size),
            "what it takes",
            "Bytes of the disk. Too small is an error that says by how much.",
        ),
        optional("test", Type::Table(&TEST), "none", "How the node is tested."),
        PLATFORMS,
        TREES,
        REMOVE,
        DIRS,
        FILES,
        LINKS,
    ],
    one_of: &[],
    refused: &[("packages", "packages belong to the `rootfs` that the node boots")],
};
