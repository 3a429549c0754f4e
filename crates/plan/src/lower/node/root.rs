//! The root file system of a node, and its initramfs.

use crate::{Assembler, StepLabel};
use crate::{
    From, PlanError,
    lower::{Lowering, input, output},
    params,
};
use groundup_recipe::{
    At, DEFAULT_OUTPUT, Directory, FileContent, FileEntry, Link, MachineId, Node, Overlay,
    Placement, Platform, Span, TargetBody, TargetName, TargetRef, TreePath,
};

/// What every root needs to be mounted over.
const PLACES: [&str; 6] = ["/proc", "/sys", "/dev", "/run", "/tmp", "/var"];

/// Where the root has the images that it carries.
const IMAGES: &str = "/usr/lib/groundup/images";

/// `/init` of the initramfs.
const INIT: &str = include_str!("init.sh");

impl Lowering<'_> {
    /// The tree that the node boots: the rootfs, the kernel's modules, and what the recipe says.
    pub(super) fn node_root(
        &mut self,
        name: &TargetName,
        node: &Node,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(name.to_string(), "root").on(platform);
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let whole = |target: &At<TargetName>, output: &str| Placement {
            from: target.with(TargetRef { target: target.value.clone(), output: output.into() }),
            path: TreePath::root(),
            to: TreePath::root(),
        };
        let mut trees = vec![whole(&node.rootfs, DEFAULT_OUTPUT)];
        let kernel = self.workspace.target(&node.kernel).map(|target| &target.body);
        if matches!(kernel, Some(TargetBody::Kernel(kernel)) if kernel.modules) {
            trees.push(whole(&node.kernel, "modules"));
        }
        trees.extend(node.trees.iter().cloned());
        let overlay = additions(node, span);
        let (mut params, mut inputs) = self.overlay(name, &trees, &overlay, platform)?;
        for image in &node.images {
            let archive = self.image_archive(image, platform)?;
            inputs.push(input(format!("file.{:03}", params.files.len()), archive));
            let path = format!("{IMAGES}/{}.tar", image.name());
            params.files.push(params::File { path, text: None, mode: 0o644, uid: 0, gid: 0 });
        }
        let outputs = ["out", "origins"];
        let assembler = Assembler::TreeCompose;
        let step = self.assemble(label, assembler, &params, inputs, &outputs, Some(span));
        Ok(output(step, "out"))
    }

    /// The archive that the kernel unpacks before anything else.
    pub(super) fn initrd(
        &mut self,
        name: &TargetName,
        node: &Node,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(name.to_string(), "initrd").on(platform);
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let from = TargetRef { target: node.initrd.value.clone(), output: DEFAULT_OUTPUT.into() };
        let trees = [Placement {
            from: node.initrd.with(from),
            path: TreePath::root(),
            to: TreePath::root(),
        }];
        let (mut params, inputs) = self.overlay(name, &trees, &Overlay::default(), platform)?;
        for place in PLACES.into_iter().chain(["/newroot"]) {
            params.dirs.push(params::Directory { path: place.into(), mode: 0o755, uid: 0, gid: 0 });
        }
        params.files.push(params::File {
            path: "/init".into(),
            text: Some(INIT.into()),
            mode: 0o755,
            uid: 0,
            gid: 0,
        });
        let tree_label = StepLabel::new(name.to_string(), "initramfs").on(platform);
        let outputs = ["out", "origins"];
        let assembler = Assembler::TreeCompose;
        let tree = self.assemble(tree_label, assembler, &params, inputs, &outputs, Some(span));
        let inputs = vec![input("tree", output(tree, "out"))];
        let assembler = Assembler::TreeCpio;
        let none = serde_json::json!({});
        let step = self.assemble(label, assembler, &none, inputs, &["out"], Some(span));
        Ok(output(step, "out"))
    }
}

/// What the recipe says beside trees, as files: units, kernel parameters and so on.
fn additions(node: &Node, span: Span) -> Overlay {
    let at = |path: &str| Some(At::new(path.parse::<TreePath>().ok()?, span));
    let mut overlay = node.overlay.clone();
    let own: Vec<String> = overlay.dirs.iter().map(|dir| dir.path.to_string()).collect();
    for place in PLACES.iter().filter(|place| !own.iter().any(|own| own == *place)) {
        let mode = if *place == "/tmp" { 0o1777 } else { 0o755 };
        overlay.dirs.extend(at(place).map(|path| Directory { path, mode, uid: 0, gid: 0 }));
    }
    let mut file = |path: String, content: FileContent| {
        let entry = |path| FileEntry { path, content, mode: 0o644, uid: 0, gid: 0 };
        overlay.files.extend(at(&path).map(entry));
    };
    let text = |text: String| FileContent::Text(At::new(text, span));
    let machine_id = match node.machine_id {
        MachineId::Transient => "",
        MachineId::Uninitialized => "uninitialized\n",
    };
    file("/etc/machine-id".into(), text(machine_id.into()));
    if let Some(hostname) = &node.hostname {
        file("/etc/hostname".into(), text(format!("{}\n", hostname.value)));
    }
    if !node.sysctl.is_empty() {
        let lines = node.sysctl.iter().map(|(name, value)| format!("{name} = {value}\n"));
        file("/etc/sysctl.d/90-groundup.conf".into(), text(lines.collect()));
    }
    if !node.modules_load.is_empty() {
        let lines = node.modules_load.iter().map(|name| format!("{}\n", name.value));
        file("/etc/modules-load.d/groundup.conf".into(), text(lines.collect()));
    }
    for unit in &node.units {
        file(format!("/etc/systemd/system/{}", unit.name.value), unit.content.clone());
        for wanting in &unit.wanted_by {
            let path = format!("/etc/systemd/system/{}.wants/{}", wanting.value, unit.name.value);
            let target = unit.name.with(format!("../{}", unit.name.value));
            overlay.links.extend(at(&path).map(|path| Link { path, target }));
        }
    }
    overlay
}
