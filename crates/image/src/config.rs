//! The configuration of an image: what the recipe says, and the JSON that engines read.
//!
//! OCI image spec, config.md; `Healthcheck` is Docker's extension, which other engines pass over.

use crate::Platform;
use groundup_digest::Sha256;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a container of the image is run, as a recipe says it; what is not said is the base's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunConfig {
    /// Program and first arguments; if said, the base's default arguments are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Default arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// Environment, laid over the base's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// `user`, `uid`, `user:group` or `uid:gid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Working directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    /// Labels, laid over the base's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `port/tcp` or `port/udp`, besides the base's.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ports: BTreeSet<String>,
    /// Paths that are volumes, besides the base's.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub volumes: BTreeSet<String>,
    /// Signal that ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// How to ask it whether it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
}

/// How to ask a container whether it is well; times are nanoseconds, as Docker has them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `["CMD", …]`, `["CMD-SHELL", "…"]` or `["NONE"]`.
    pub test: Vec<String>,
    /// Time between two checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
    /// Time that one may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Time in which failures do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_period: Option<u64>,
    /// Failures in a row that make it unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
}

/// The configuration blob of an image.
///
/// Only what is known here is kept of a base's: engines ignore the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What it runs on.
    #[serde(flatten)]
    pub platform: Platform,
    /// How a container is run.
    #[serde(default, deserialize_with = "or_default")]
    pub config: ExecConfig,
    /// The uncompressed layers.
    pub rootfs: RootFs,
    /// How each layer came to be.
    #[serde(default, deserialize_with = "or_default")]
    pub history: Vec<History>,
}

/// The part `config` of a configuration blob.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs, reason = "the names are those of the OCI image spec, config.md")]
pub struct ExecConfig {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub user: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub exposed_ports: BTreeMap<String, Empty>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub volumes: BTreeMap<String, Empty>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
}

/// The empty object that Go's `struct{}` is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Empty {}

/// The uncompressed layers of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The SHA-256 of each uncompressed layer, the lowest first.
    pub diff_ids: Vec<String>,
}

/// How one layer came to be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// Only a base's entries have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By which command or from which inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether it made no layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_layer: Option<bool>,
}

/// Go's JSON writes `null` for empty lists and maps.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// One layer of ours as the configuration sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigLayer {
    /// The SHA-256 of the uncompressed layer.
    pub diff_id: Sha256,
    /// What is in it, for `history`.
    pub created_by: String,
}

impl ImageConfig {
    /// The configuration of layers of ours over a base's configuration.
    ///
    /// `created` is RFC 3339; entries of `history` that are ours have no time.
    pub fn assemble(
        base: Option<ImageConfig>,
        platform: Platform,
        created: String,
        run: &RunConfig,
        layers: &[ConfigLayer],
    ) -> Self {
        let rootfs = RootFs { kind: "layers".into(), diff_ids: Vec::new() };
        let empty = |platform| ImageConfig {
            created: None,
            author: None,
            platform,
            config: ExecConfig::default(),
            rootfs,
            history: Vec::new(),
        };
        let mut config = base.unwrap_or_else(|| empty(platform.clone()));
        config.platform = platform;
        config.created = Some(created);
        config.config.apply(run);
        for layer in layers {
            config.rootfs.diff_ids.push(layer.diff_id.oci());
            let created_by = Some(layer.created_by.clone());
            config.history.push(History { created_by, ..History::default() });
        }
        config
    }
}

impl ExecConfig {
    fn apply(&mut self, run: &RunConfig) {
        if let Some(entrypoint) = &run.entrypoint {
            self.entrypoint.clone_from(entrypoint);
            // The base's arguments were for the base's program.
            self.cmd.clear();
        }
        if let Some(cmd) = &run.cmd {
            self.cmd.clone_from(cmd);
        }
        for (name, value) in &run.env {
            let variable = format!("{name}={value}");
            let is_same = |other: &&mut String| other.split('=').next() == Some(name);
            match self.env.iter_mut().find(is_same) {
                Some(other) => *other = variable,
                None => self.env.push(variable),
            }
        }
        let set = |field: &mut String, said: &Option<String>| {
            if let Some(said) = said {
                field.clone_from(said);
            }
        };
        set(&mut self.user, &run.user);
        set(&mut self.working_dir, &run.workdir);
        set(&mut self.stop_signal, &run.stop_signal);
        self.labels.extend(run.labels.clone());
        self.exposed_ports.extend(run.ports.iter().map(|port| (with_protocol(port), Empty {})));
        self.volumes.extend(run.volumes.iter().map(|volume| (volume.clone(), Empty {})));
        if run.healthcheck.is_some() {
            self.healthcheck.clone_from(&run.healthcheck);
        }
    }
}

/// Engines read a bare port as TCP; written out, one port has one name.
fn with_protocol(port: &str) -> String {
    if port.contains('/') { port.into() } else { format!("{port}/tcp") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical_json;

    fn run() -> RunConfig {
        RunConfig {
            entrypoint: Some(vec!["/usr/sbin/nginx".into()]),
            env: BTreeMap::from([("PATH".into(), "/bin".into()), ("A".into(), "b=c".into())]),
            user: Some("www-data".into()),
            ports: ["80".into(), "53/udp".into()].into(),
            labels: BTreeMap::from([("z".into(), "1".into()), ("a".into(), "2".into())]),
            healthcheck: Some(Healthcheck {
                test: vec!["CMD".into(), "true".into()],
                interval: Some(30_000_000_000),
                ..Healthcheck::default()
            }),
            ..RunConfig::default()
        }
    }

    fn layer() -> ConfigLayer {
        ConfigLayer { diff_id: Sha256::of(b"x"), created_by: "deb:nginx".into() }
    }

    fn assemble(base: Option<ImageConfig>) -> ImageConfig {
        let created = "1980-01-02T00:00:00Z".into();
        ImageConfig::assemble(base, Platform::linux("amd64"), created, &run(), &[layer()])
    }

    #[test]
    fn bytes_are_pinned_and_other_readers_understand_them() {
        let bytes = canonical_json(&assemble(None)).unwrap();
        let expected = concat!(
            r#"{"architecture":"amd64","config":{"Entrypoint":["/usr/sbin/nginx"],"Env":["A=b=c","PATH=/bin"],"#,
            r#""ExposedPorts":{"53/udp":{},"80/tcp":{}},"Healthcheck":{"Interval":30000000000,"Test":["CMD","true"]},"#,
            r#""Labels":{"a":"2","z":"1"},"User":"www-data"},"created":"1980-01-02T00:00:00Z","#,
            r#""history":[{"created_by":"deb:nginx"}],"os":"linux","rootfs":{"diff_ids":["#,
            r#""sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"],"type":"layers"}}"#
        );
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        let parsed = oci_spec::image::ImageConfiguration::from_reader(&bytes[..]).unwrap();
        assert_eq!(parsed.rootfs().diff_ids().len(), 1);
        assert_eq!(parsed.config().as_ref().unwrap().user().as_deref(), Some("www-data"));
    }

    #[test]
    fn what_is_not_said_is_the_bases() {
        let text = r#"{"architecture":"amd64","os":"linux","docker_version":"20","config":{
            "Env":["PATH=/usr/bin","LANG=C"],"Cmd":["bash"],"Volumes":null,"WorkingDir":"/srv"},
            "rootfs":{"type":"layers","diff_ids":["sha256:00"]},
            "history":[{"created":"2020-01-01T00:00:00Z","created_by":"ADD"}]}"#;
        let config = assemble(Some(serde_json::from_str(text).unwrap()));
        assert_eq!(config.config.env, ["PATH=/bin", "LANG=C", "A=b=c"]);
        assert!(config.config.cmd.is_empty(), "arguments of another program");
        assert_eq!(config.config.working_dir, "/srv");
        assert_eq!(config.rootfs.diff_ids.len(), 2);
        assert_eq!(config.history[0].created.as_deref(), Some("2020-01-01T00:00:00Z"));
        assert_eq!(config.history[1].created, None);
    }
}
