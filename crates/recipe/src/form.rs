//! The forms that strings of recipes have: how each is read, and how messages call it.

use crate::{
    DebLocation, Kind, NameError, OciLocation, PackageRequest, Platform, RepoPath, TargetName,
    TargetPattern, TargetRef, TreePath, check_name, nearest::nearest,
};
use groundup_digest::Sha256;
use std::time::Duration;

/// What a string must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Any,
    /// Text that is not empty and has no line break.
    Line,
    Name,
    VarName,
    EnvName,
    AccountName,
    Platform,
    Size,
    Duration,
    TreePath,
    RepoPath,
    Glob,
    TreeGlob,
    /// A target of one of these kinds.
    Target(&'static [Kind]),
    /// A target of one of these kinds, or one output of it.
    Output(&'static [Kind]),
    Pattern,
    Package,
    PackageName,
    Sha256,
    Digest,
    Mode,
    Url,
    Deb,
    Oci,
    Port,
    /// A symbol of the kernel's configuration, without `CONFIG_`.
    ConfigSymbol,
    /// A unit of systemd.
    UnitName,
    /// A JSON pointer (RFC 6901).
    Pointer,
    /// A version `MAJOR.MINOR`.
    Minor,
    /// A name of an image without tag and digest.
    ImageName,
}

/// Why a string does not have its form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// More than "expected …", if there is more to say.
    pub(crate) reason: Option<String>,
    pub(crate) nearest: Option<String>,
}

impl Misfit {
    fn plain() -> Self {
        Self { reason: None, nearest: None }
    }

    fn because(error: impl std::fmt::Display) -> Self {
        Self { reason: Some(error.to_string()), nearest: None }
    }
}

impl Form {
    /// What is expected, as a noun.
    pub(crate) fn noun(self) -> String {
        match self {
            Form::Any => "a string".into(),
            Form::Line => "a string of one line".into(),
            Form::Name => "a name of lower-case letters, digits and `-`".into(),
            Form::VarName => "a name of lower-case letters, digits, `_` and `-`".into(),
            Form::EnvName => "the name of an environment variable".into(),
            Form::AccountName => "the name of a user or group".into(),
            Form::Platform => format!("a platform: {}", alternatives(Platform::ALL)),
            Form::Size => "a size such as `512MiB` or `2GiB`".into(),
            Form::Duration => "a duration such as `90s`, `30m` or `2h`".into(),
            Form::TreePath => "an absolute path such as `/etc/hosts`".into(),
            Form::RepoPath => "a path relative to the workspace".into(),
            Form::Glob => "a pattern of relative paths such as `src/**`".into(),
            Form::TreeGlob => "a pattern of absolute paths such as `/usr/share/doc/**`".into(),
            Form::Target(kinds) | Form::Output(kinds) => {
                let names = kinds.iter().map(|kind| format!("{kind}.NAME"));
                format!("a target: {}", alternatives(names))
            }
            Form::Pattern => "a target such as `image.web`, or a pattern such as `image.*`".into(),
            Form::Package => "a package: `name`, `name:arch` or `name=version`".into(),
            Form::PackageName => "the name of a package".into(),
            Form::Sha256 => "a SHA-256 of 64 lower-case hexadecimal digits".into(),
            Form::Digest => "a digest: `sha256:` and 64 lower-case hexadecimal digits".into(),
            Form::Mode => "permission bits in octal such as `0644`".into(),
            Form::Url => "a URL that starts with `https://` or `http://`".into(),
            Form::Deb => "a URL, or a path relative to the workspace, of a `.deb` file".into(),
            Form::Oci => "`docker://REFERENCE`, `oci:DIR` or `oci-archive:FILE`".into(),
            Form::Port => "a port such as `8080`, `8080/tcp` or `53/udp`".into(),
            Form::UnitName => "the name of a unit such as `web.service`".into(),
            Form::Pointer => "a JSON pointer such as `/spec/template`".into(),
            Form::Minor => "a version such as `1.32`".into(),
            Form::ImageName => "the name of an image without tag and digest".into(),
            Form::ConfigSymbol => {
                "a symbol of the kernel's configuration, without `CONFIG_`".into()
            }
        }
    }

    /// A regular expression (ECMA-262) that every text of this form matches.
    pub(crate) fn pattern(self) -> Option<&'static str> {
        Some(match self {
            Form::Any | Form::Deb | Form::RepoPath | Form::Glob => return None,
            Form::Line => "^[^\\n]+$",
            Form::Name => "^[a-z0-9][a-z0-9-]*$",
            Form::VarName => "^[a-z][a-z0-9_-]*$",
            Form::EnvName => "^[A-Za-z_][A-Za-z0-9_]*$",
            Form::AccountName => "^[a-z_][a-z0-9_-]*$",
            Form::Platform => "^linux/(amd64|arm64)$",
            Form::Size => "^[0-9]+(B|KiB|MiB|GiB|TiB)$",
            Form::Duration => "^[0-9]+(s|m|h)$",
            Form::TreePath | Form::TreeGlob => "^/",
            Form::Target(_) => "^[a-z]+\\.[a-z0-9][a-z0-9-]*$",
            Form::Output(_) => "^[a-z]+\\.[a-z0-9][a-z0-9-]*(:[a-z0-9][a-z0-9-]*)?$",
            Form::Pattern => "^[a-z*]+(\\.[a-z0-9*][a-z0-9*-]*)?$",
            Form::Package | Form::PackageName => "^[a-z0-9][a-z0-9+.-]*",
            Form::Sha256 => "^[0-9a-f]{64}$",
            Form::Digest => "^sha256:[0-9a-f]{64}$",
            Form::Mode => "^0?[0-7]{3,4}$",
            Form::Url => "^https?://.",
            Form::Oci => "^(docker://|oci:|oci-archive:).",
            Form::Port => "^[0-9]+(/(tcp|udp|sctp))?$",
            Form::UnitName => "^[A-Za-z0-9:_.@-]+\\.[a-z]+$",
            Form::ConfigSymbol => "^[A-Za-z0-9_]+$",
            Form::Pointer => "^/([^~]|~[01])*$",
            Form::Minor => "^[0-9]+\\.[0-9]+$",
            Form::ImageName => "^[^@\\s]+$",
        })
    }

    /// Whether `text` has this form.
    pub(crate) fn check(self, text: &str) -> Result<(), Misfit> {
        let fits = |good: bool| if good { Ok(()) } else { Err(Misfit::plain()) };
        match self {
            Form::Any => Ok(()),
            Form::Line => fits(!text.is_empty() && !text.contains(['\n', '\0'])),
            Form::Name => check_name(text).map_err(|_| Misfit::plain()),
            Form::VarName => fits(is_var_name(text)),
            Form::EnvName => fits(word(text, |c| c.is_ascii_alphabetic() || c == '_', "_")),
            Form::AccountName => fits(word(text, |c| c.is_ascii_lowercase() || c == '_', "_-")),
            Form::Platform => text
                .parse::<Platform>()
                .map(drop)
                .map_err(|_| Misfit { reason: None, nearest: nearest_platform(text) }),
            Form::Size => parse_size(text).map(drop).ok_or(Misfit::plain()),
            Form::Duration => parse_duration(text).map(drop).ok_or(Misfit::plain()),
            Form::TreePath => text.parse::<TreePath>().map(drop).map_err(|_| path_misfit(text)),
            Form::RepoPath => text.parse::<RepoPath>().map(drop).map_err(|_| path_misfit(text)),
            Form::Glob => check_glob(text, !text.starts_with('/') && !text.is_empty()),
            Form::TreeGlob => check_glob(text, text.starts_with('/')),
            Form::Target(kinds) => check_target(text, kinds, text.parse::<TargetName>()),
            Form::Output(kinds) => {
                check_target(text, kinds, text.parse::<TargetRef>().map(|output| output.target))
            }
            Form::Pattern => text
                .parse::<TargetPattern>()
                .map(drop)
                .map_err(|error| Misfit { nearest: nearest_kind(text), ..Misfit::because(error) }),
            Form::Package => text.parse::<PackageRequest>().map(drop).map_err(|_| Misfit::plain()),
            Form::PackageName => {
                let parsed = text.parse::<PackageRequest>();
                fits(parsed.is_ok_and(|request| request.name == text))
            }
            Form::Sha256 => text.parse::<Sha256>().map(drop).map_err(Misfit::because),
            Form::Digest => parse_digest(text).map(drop).ok_or(Misfit::plain()),
            Form::Mode => parse_mode(text).map(drop).ok_or(Misfit::plain()),
            Form::Url => fits(is_url(text)),
            Form::Deb => parse_deb(text).map(drop).ok_or(Misfit::plain()),
            Form::Oci => parse_oci(text).map(drop).ok_or(Misfit::plain()),
            Form::Port => fits(is_port(text)),
            Form::ConfigSymbol => check_symbol(text),
            Form::UnitName => fits(is_unit(text)),
            Form::Pointer => fits(is_pointer(text)),
            Form::Minor => fits(is_minor(text)),
            Form::ImageName => check_image_name(text),
        }
    }
}

/// `a`, `b` or `c`.
pub(crate) fn alternatives<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut words: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} or {last}", words.join(", ")),
        Some(last) => last,
        None => String::new(),
    }
}

/// systemd.unit(5), without what needs escaping.
fn is_unit(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || ":_.@-".contains(c);
    let kind = |kind: &str| !kind.is_empty() && kind.chars().all(|c| c.is_ascii_lowercase());
    let parts = text.rsplit_once('.');
    text.chars().all(fits) && parts.is_some_and(|(name, end)| !name.is_empty() && kind(end))
}

/// RFC 6901, without the pointer to the whole.
fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.starts_with('/') && escapes && !text.contains(char::is_control)
}

fn is_minor(text: &str) -> bool {
    let number = |part: &str| {
        (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.split_once('.').is_some_and(|(major, minor)| number(major) && number(minor))
}

/// A tag or digest in a name would never match.
fn check_image_name(text: &str) -> Result<(), Misfit> {
    let (path, last) = text.rsplit_once('/').map_or(("", text), |(path, last)| (path, last));
    let bare = last.split(['@', ':']).next().unwrap_or(last);
    if bare.len() < last.len() && !bare.is_empty() {
        let nearest = if path.is_empty() { bare.to_owned() } else { format!("{path}/{bare}") };
        let reason = Some("tag and digest are no part of the name".to_owned());
        return Err(Misfit { reason, nearest: Some(nearest) });
    }
    let good = |c: char| c.is_ascii_alphanumeric() || "./-_:".contains(c);
    if !last.is_empty() && text.chars().all(good) { Ok(()) } else { Err(Misfit::plain()) }
}

/// People copy `CONFIG_X` from elsewhere.
fn check_symbol(text: &str) -> Result<(), Misfit> {
    if let Some(bare) = text.strip_prefix("CONFIG_") {
        let reason = Some("symbols stand without `CONFIG_` here".to_owned());
        return Err(Misfit { reason, nearest: Some(bare.to_owned()) });
    }
    let good = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if good && !text.is_empty() { Ok(()) } else { Err(Misfit::plain()) }
}

fn word(text: &str, first: impl Fn(char) -> bool, others: &str) -> bool {
    let inner = |c: char| first(c) || c.is_ascii_digit() || others.contains(c);
    text.chars().next().is_some_and(&first) && text.chars().all(inner)
}

pub(crate) fn is_var_name(text: &str) -> bool {
    word(text, |c| c.is_ascii_lowercase(), "_-")
}

fn nearest_platform(text: &str) -> Option<String> {
    let known = Platform::ALL.map(Platform::as_str);
    let alias = match text.rsplit('/').next().unwrap_or(text) {
        "x86_64" | "x86-64" | "x64" | "amd64" => Some(Platform::LinuxAmd64.as_str()),
        "aarch64" | "armv8" | "arm64" => Some(Platform::LinuxArm64.as_str()),
        _ => None,
    };
    alias.or_else(|| nearest(text, known)).map(str::to_owned)
}

fn path_misfit(text: &str) -> Misfit {
    let reason = if text.split('/').any(|part| part == "..") {
        Some("`..` is not allowed".to_owned())
    } else {
        None
    };
    Misfit { reason, nearest: None }
}

fn check_glob(text: &str, placed: bool) -> Result<(), Misfit> {
    if !placed {
        return Err(Misfit::plain());
    }
    globset::Glob::new(text).map(drop).map_err(|error| Misfit::because(error.kind()))
}

fn nearest_kind(text: &str) -> Option<String> {
    let (kind, name) = text.split_once('.')?;
    let near = nearest(kind, Kind::ALL.map(Kind::as_str))?;
    (near != kind).then(|| format!("{near}.{name}"))
}

fn check_target(
    text: &str,
    kinds: &[Kind],
    parsed: Result<TargetName, NameError>,
) -> Result<(), Misfit> {
    let target =
        parsed.map_err(|error| Misfit { nearest: nearest_kind(text), ..Misfit::because(error) })?;
    if kinds.contains(&target.kind()) {
        return Ok(());
    }
    Err(Misfit::plain())
}

/// Bytes: a number and `B`, `KiB`, `MiB`, `GiB` or `TiB`.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let shift = match &text[digits..] {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

/// A number and `s`, `m` or `h`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    number.checked_mul(unit).filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// Twelve permission bits in octal.
pub(crate) fn parse_mode(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let mode = u32::from_str_radix(text, 8).ok()?;
    (digits && (3..=5).contains(&text.len()) && mode <= 0o7777).then_some(mode)
}

pub(crate) fn parse_digest(text: &str) -> Option<Sha256> {
    text.strip_prefix("sha256:")?.parse().ok()
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

pub(crate) fn parse_deb(text: &str) -> Option<DebLocation> {
    if is_url(text) {
        return Some(DebLocation::Url(text.to_owned()));
    }
    let path = (!text.contains("://")).then(|| text.parse().ok())??;
    Some(DebLocation::Repo(path))
}

pub(crate) fn parse_oci(text: &str) -> Option<OciLocation> {
    if let Some(reference) = text.strip_prefix("docker://") {
        let good = !reference.is_empty() && !reference.contains(char::is_whitespace);
        return good.then(|| OciLocation::Registry(reference.to_owned()));
    }
    let place = |rest: &str| -> Option<(RepoPath, Option<String>)> {
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag.to_owned())),
            None => (rest, None),
        };
        Some((path.parse().ok()?, tag.filter(|tag| !tag.is_empty())))
    };
    if let Some(rest) = text.strip_prefix("oci:") {
        return place(rest).map(|(path, tag)| OciLocation::Layout(path, tag));
    }
    let rest = text.strip_prefix("oci-archive:")?;
    place(rest).map(|(path, tag)| OciLocation::Archive(path, tag))
}

fn is_port(text: &str) -> bool {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    number.bytes().all(|byte| byte.is_ascii_digit())
        && number.parse::<u16>().is_ok_and(|port| port > 0)
        && matches!(protocol, "tcp" | "udp" | "sctp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_need_a_unit_and_a_positive_number() {
        assert_eq!(parse_size("2GiB"), Some(2 << 30));
        assert_eq!(parse_size("1B"), Some(1));
        for bad in ["2", "2GB", "GiB", "0MiB", "2 GiB", "-1MiB", "99999999999TiB", ""] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_need_a_unit_and_a_positive_number() {
        assert_eq!(parse_duration("30m"), Some(Duration::from_secs(1800)));
        for bad in ["30", "30 m", "0s", "1d", "m", ""] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn modes_are_octal_and_twelve_bits() {
        assert_eq!(parse_mode("4755"), Some(0o4755));
        assert_eq!(parse_mode("0644"), Some(0o644));
        for bad in ["644x", "0888", "17777", "+644", "7", ""] {
            assert_eq!(parse_mode(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_machine_name_of_the_kernel_gets_the_platform_offered() {
        let misfit = Form::Platform.check("linux/x86_64").unwrap_err();
        assert_eq!(misfit.nearest.as_deref(), Some("linux/amd64"));
    }

    #[test]
    fn image_locations_round_trip() {
        for text in ["docker://registry.invalid/a/b:1", "oci:images/base", "oci-archive:a.tar:tag"]
        {
            assert_eq!(parse_oci(text).unwrap().to_string(), text);
        }
        assert_eq!(parse_oci("registry.invalid/a"), None);
        assert_eq!(parse_oci("oci:/abs"), None);
    }
}
