//! What steps say and read when they hand programs over, and what facts are read from.

use crate::input::Input;

/// A message from inside a sandbox, what a child read, or a text with symbols.
pub(crate) fn reuse(data: &[u8]) {
    let (variant, data) = Input::split(data);
    match variant % 3 {
        0 => {
            if let Some(message) = groundup_sandbox::Message::parse(data) {
                assert!(!message.argv.is_empty());
            }
        }
        1 => groundup_build::fuzzing::reads(data),
        _ => groundup_build::fuzzing::symbols(data),
    }
}

/// A module of the kernel, a unit of systemd, or files of kernel parameters.
pub(crate) fn facts(data: &[u8]) {
    let (variant, data) = Input::split(data);
    let text = String::from_utf8_lossy(data);
    match variant % 3 {
        0 => {
            let _ = groundup_kernel::facts::module(data);
        }
        1 => {
            groundup_node::facts::parse_unit(&text);
        }
        _ => {
            groundup_node::facts::sysctls([("/etc/sysctl.d/a.conf", text.as_ref())]);
        }
    }
}
