//! The boot test of a node: what it looks for as files, what its machine needs of the kernel, and the
//! boot.

use super::Tool;
use crate::{
    Assembler, From, PlanError, RunLimits, StepLabel,
    lower::{Lowering, input, output},
    params::{self, Need},
};
use groundup_recipe::{BootTest, Firmware, Node, Platform, Span, TargetName};
use std::time::Duration;

const TEST: &str = include_str!("test.sh");

/// What a machine of a test has, and when it has failed, where the recipe does not say.
const MEMORY: u64 = 512 << 20;
const TIMEOUT: Duration = Duration::from_secs(300);

impl Lowering<'_> {
    /// The boot test of a node.
    pub(in crate::lower) fn boot_test(
        &mut self,
        name: &TargetName,
        node: &Node,
        test: &BootTest,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let parts = self.node_parts(name, node, platform, span)?;
        let span = test.emulator.span;
        let label = StepLabel::new(name.to_string(), "test files").on(platform);
        let outputs = ["out", "origins"];
        let assembler = Assembler::TreeCompose;
        let files = self.assemble(label, assembler, &files(test), vec![], &outputs, Some(span));

        let label = StepLabel::new(name.to_string(), "test check").on(platform);
        let config = self.part(&node.kernel, "config", platform)?;
        let root = self.node_root(name, node, platform, span)?;
        let inputs = vec![input("config", config), input("root", root)];
        let params = params::NodeTestCheck { needs: needs(test), systemd: test.script.is_some() };
        let assembler = Assembler::NodeTestCheck;
        let checked = self.assemble(label, assembler, &params, inputs, &["out"], Some(span));

        let firmware = match test.firmware {
            Firmware::None => "none",
            Firmware::Uefi => "uefi",
        };
        let memory = test.memory.as_ref().map_or(MEMORY, |at| at.value);
        let env = [("FIRMWARE", firmware.to_owned()), ("MEMORY", memory.to_string())];
        let mounted = [
            ("/deps/disk", parts.disk),
            ("/deps/uki", parts.uki),
            ("/deps/kernel", parts.kernel),
            ("/deps/initrd.cpio", parts.initrd),
            // Nothing reads it; so the boot waits for the check.
            ("/deps/config", output(checked, "out")),
            ("/deps/test", output(files, "out")),
        ];
        let tool = Tool { name, root: &test.emulator, role: "test", script: TEST, platform, span };
        let wall = Some(test.timeout.as_ref().map_or(TIMEOUT, |at| at.value));
        self.tool(tool, mounted, env, RunLimits { wall, ..RunLimits::default() })
    }
}

/// What the script of the test reads.
fn files(test: &BootTest) -> params::Overlay {
    let mut files = params::Overlay::default();
    let mut file = |path: &str, text: String| {
        let (path, text) = (path.to_owned(), Some(text));
        files.files.push(params::File { path, text, mode: 0o644, uid: 0, gid: 0 });
    };
    file("/console", test.console.iter().map(|text| format!("{}\n", text.value)).collect());
    if !test.http.is_empty() {
        let pages = test.http.iter().map(|page| {
            let path = page.path.as_ref().map_or("/", |path| path.as_str());
            format!("{}\n{path}\n{}\n", page.port.value, page.expect.value)
        });
        file("/http", pages.collect());
    }
    if let Some(script) = &test.script {
        file("/script", script.value.clone());
    }
    files
}

/// What the machine that `test.sh` makes needs of the kernel.
fn needs(test: &BootTest) -> Vec<Need> {
    let need = |symbol: &str, by: &str| Need {
        symbol: symbol.to_owned(),
        module: false,
        by: by.to_owned(),
    };
    let mut needs = vec![
        need("SERIAL_8250_CONSOLE", "the console of the test"),
        need("VIRTIO_PCI", "the disk of the test"),
        need("VIRTIO_BLK", "the disk of the test"),
    ];
    if !test.http.is_empty() {
        needs.push(need("INET", "`http`"));
        needs.push(Need { module: true, ..need("VIRTIO_NET", "`http`") });
    }
    if test.script.is_some() && test.firmware == Firmware::Uefi {
        needs.push(need("EFIVAR_FS", "a `script` with `firmware = \"uefi\"`"));
    }
    needs
}
