//! The stable label of a step: what people and records call it.

use groundup_recipe::Platform;
use std::fmt;

/// A step's label: whose it is, its role there, and for which platform.
///
/// Labels are unique in a plan and do not move when versions do; two builds are compared by them.
/// They enter no key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepLabel {
    /// A target, `package NAME` or `archive NAME`.
    pub owner: String,
    /// What the step does there, such as `fetch`, `unpack`, `run`, `layer.03`.
    pub role: String,
    /// The platform, where it has one.
    pub platform: Option<Platform>,
}

impl StepLabel {
    /// A label without a platform.
    pub fn new(owner: impl Into<String>, role: impl Into<String>) -> Self {
        Self { owner: owner.into(), role: role.into(), platform: None }
    }

    /// The same label for a platform.
    pub fn on(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }
}

impl fmt::Display for StepLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.owner, self.role)?;
        self.platform.iter().try_for_each(|platform| write!(f, " {platform}"))
    }
}
