//! Reads a `node`.

use super::{
    Defaults, View,
    overlay::{overlay, placements},
};
use crate::{
    BootTest, FileContent, Firmware, HttpCheck, MachineId, Node, Unit,
    form::{parse_duration, parse_size},
};

pub(super) fn read(view: View<'_>, defaults: &Defaults) -> Option<Node> {
    let platforms = match view.node("platforms") {
        Some(_) => view.list("platforms"),
        None => defaults.platforms.clone(),
    };
    let machine_id = match view.text("machine_id") {
        Some(word) if word.as_str() == "uninitialized" => MachineId::Uninitialized,
        _ => MachineId::Transient,
    };
    Some(Node {
        rootfs: view.get("rootfs")?,
        kernel: view.get("kernel")?,
        initrd: view.get("initrd")?,
        tools: view.get("tools")?,
        cmdline: view.text("cmdline"),
        hostname: view.text("hostname"),
        machine_id,
        units: units(view)?,
        images: view.list("images"),
        sysctl: view.strings("sysctl"),
        modules_load: view.texts("modules_load"),
        trees: placements(view)?,
        overlay: overlay(view)?,
        disk_size: view.by("disk_size", parse_size),
        test: match view.table("test") {
            Some(table) => Some(test(table)?),
            None => None,
        },
        platforms,
    })
}

fn units(view: View<'_>) -> Option<Vec<Unit>> {
    let items = view.items("units").iter().map(|node| {
        let table = View(node.as_table()?);
        let text = table.text("text").map(FileContent::Text);
        Some(Unit {
            name: table.text("name")?,
            content: text.or_else(|| table.get("source").map(FileContent::Repo))?,
            wanted_by: table.texts("wanted_by"),
        })
    });
    items.collect()
}

fn test(view: View<'_>) -> Option<BootTest> {
    let firmware = match view.text("firmware") {
        Some(word) if word.as_str() == "uefi" => Firmware::Uefi,
        _ => Firmware::None,
    };
    Some(BootTest {
        emulator: view.get("emulator")?,
        firmware,
        console: view.texts("console"),
        http: pages(view)?,
        script: view.text("script"),
        memory: view.by("memory", parse_size),
        timeout: view.by("timeout", parse_duration),
    })
}

fn pages(view: View<'_>) -> Option<Vec<HttpCheck>> {
    let items = view.items("http").iter().map(|node| {
        let table = View(node.as_table()?);
        let (port, path, expect) = (table.int("port")?, table.text("path"), table.text("expect")?);
        Some(HttpCheck { port, path, expect })
    });
    items.collect()
}
