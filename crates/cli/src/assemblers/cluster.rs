//! Manifests: digests, schemas, objects, and the artifact that holds them.

use super::{Arguments, Outputs, out};
use crate::checks::{self, Said};
use groundup_build::{AssembleCall, AssembleError};
use groundup_cluster::{
    FileDigest, Finding, Image, Images, KNOWN_PLACES, Request, Setting, SourceFile, Subject,
    System, Table, extract,
};
use groundup_digest::{BlobId, ObjectId};
use groundup_image::{ArtifactParams, ArtifactTypes, artifact_step};
use groundup_plan::params;
use groundup_tree::{FileTree, Kind, Meta, Node, TreePath};
use std::collections::BTreeMap;

/// The most bytes that an OpenAPI document or a file of manifests may have.
const MOST_BYTES: u64 = 64 << 20;

/// SHA-256 and size of every file of a tree.
pub(super) fn digests(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let mut found: BTreeMap<String, FileDigest> = BTreeMap::new();
    for (path, blob, size) in files(&call.store.load_tree(call.tree("tree")?)?) {
        let sha256 = call.store.content_of(blob)?.sha256.to_string();
        found.insert(path, FileDigest { sha256, size });
    }
    let text = serde_json::to_vec(&found)?;
    Ok(out(ObjectId::Blob(call.store.put_blob(&text)?.blob)))
}

/// The regular files of a tree.
pub(super) fn files(tree: &FileTree) -> Vec<(String, BlobId, u64)> {
    let files = tree.iter().filter_map(|(path, node)| match node.kind {
        Kind::File { blob, size } => {
            Some((String::from_utf8_lossy(path.as_bytes()).into_owned(), blob, size))
        }
        _ => None,
    });
    files.collect()
}

/// Kubernetes' OpenAPI document to a table of schemas.
pub(super) fn schemas(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::ClusterSchemas = call.params()?;
    let blob = match call.blob_if_there("source") {
        Some(blob) => blob,
        None => {
            let tree = call.store.load_tree(call.tree("source")?)?;
            let wanted: Vec<String> = match &params.path {
                Some(path) => vec![path.trim_start_matches('/').to_owned()],
                None => KNOWN_PLACES.iter().map(|place| (*place).to_owned()).collect(),
            };
            let found = wanted.iter().find_map(|place| {
                let path = TreePath::parse(place.as_bytes()).ok()?;
                match tree.get(&path)?.kind {
                    Kind::File { blob, .. } => Some(blob),
                    _ => None,
                }
            });
            found.ok_or_else(|| {
                let places = wanted.join("`, `");
                format!(
                    "the source of `schemas` has no OpenAPI document at `{places}`: say where with `schemas_path`"
                )
            })?
        }
    };
    let document = bounded(call, blob, "the OpenAPI document")?;
    let table = extract(&document, &params.version)?.to_json()?;
    Ok(out(ObjectId::Blob(call.store.put_blob(&table)?.blob)))
}

pub(super) fn bounded(
    call: &AssembleCall<'_>,
    blob: BlobId,
    what: &str,
) -> Result<Vec<u8>, AssembleError> {
    let size = call.store.content_of(blob)?.size;
    if size > MOST_BYTES {
        return Err(
            format!("{what} has {size} bytes, more than the {MOST_BYTES} that are read").into()
        );
    }
    Ok(call.store.read_blob(blob)?)
}

/// The manifests of a cluster.
pub(super) fn manifests(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::ClusterManifests = call.params()?;
    let table = Table::from_json(&call.store.read_blob(call.blob("schemas")?)?)?;
    let digest = |number: usize| -> Result<String, AssembleError> {
        let text = call.store.read_blob(call.blob(&format!("image.{number:03}"))?)?;
        Ok(String::from_utf8(text)?.trim_end().to_owned())
    };
    let mut built = Vec::new();
    for (number, image) in params.images.into_iter().enumerate() {
        let (name, becomes) = (image.name, image.becomes);
        built.push(Image { name, becomes, digest: digest(number)? });
    }
    let mut set = Vec::new();
    for (number, setting) in params.set.into_iter().enumerate() {
        let said = call.store.read_blob(call.blob(&format!("from.{number:03}"))?)?;
        let subject = match setting.from.starts_with("image.") {
            true => Subject::Image(String::from_utf8(said)?.trim_end().to_owned()),
            false => Subject::Files(serde_json::from_slice(&said)?),
        };
        set.push(Setting {
            kind: setting.kind,
            name: setting.name,
            namespace: setting.namespace,
            pointer: setting.pointer,
            value: setting.value,
            from: setting.from,
            file: setting.file,
            subject,
        });
    }
    let mut systems = Vec::new();
    for (number, name) in params.systems.iter().enumerate() {
        let tree = call.store.load_tree(call.tree(&format!("facts.{number:03}"))?)?;
        for (_, blob, _) in files(&tree) {
            let facts = serde_json::from_slice(&call.store.read_blob(blob)?)?;
            systems.push(System { name: name.clone(), facts });
        }
    }
    let mut manifests = sources(call, "manifests", &params.manifests)?;
    manifests.extend(super::rendered::sources(call, &params.rendered)?);
    let made = groundup_cluster::make(Request {
        manifests,
        crds: sources(call, "crds", &params.crds)?,
        table,
        images: Images { built, outside: params.outside, fields: params.image_fields },
        set,
        systems,
        external: params.external,
        unchecked: params.unchecked,
        allow: params.allow,
        warn: params.warn,
    })?;
    let mut tree = FileTree::new();
    for (path, text) in &made.files {
        let content = call.store.put_blob(text.as_bytes())?;
        let kind = Kind::File { blob: content.blob, size: content.size };
        let path = TreePath::new(path.as_bytes())?;
        tree.insert_with_parents(path, Node { meta: Meta::root_owned(0o644), kind })?;
    }
    let warned = made.warnings.iter().map(|it| Said { warning: true, ..Said::of(it) });
    let told: Vec<Said> = warned.chain(made.allowed.iter().map(Said::of)).collect();
    let checks = super::said(call, checks::FILE, &told)?;
    let mut outputs = out(ObjectId::Tree(call.store.put_tree(&tree)?));
    outputs.extend(checks.into_values().map(|id| ("checks".to_owned(), id)));
    Ok(outputs)
}

/// The manifests as an OCI artifact.
pub(super) fn artifact(call: &AssembleCall<'_>) -> Result<Outputs, AssembleError> {
    let params: params::ClusterArtifact = call.params()?;
    let types = match params.form.as_str() {
        "flux" => ArtifactTypes::Flux,
        "standard" => ArtifactTypes::Standard,
        other => return Err(format!("`{other}` is no form of an artifact").into()),
    };
    let (created, tag) = (i64::try_from(params.created)?, params.tag);
    let params = ArtifactParams { types, created, tag };
    Ok(out(ObjectId::Tree(artifact_step(call.store, call.tree("tree")?, &params)?)))
}

impl Said {
    fn of(finding: &Finding) -> Self {
        Self {
            warning: false,
            rule: finding.rule.name().to_owned(),
            object: finding.object.clone(),
            file: finding.location.as_ref().map(|it| it.file.clone()),
            line: finding.location.as_ref().map(|it| it.at.line),
            message: finding.message.clone(),
        }
    }
}

/// The YAML files behind the inputs of a role, each under the name of its place.
fn sources(
    call: &AssembleCall<'_>,
    role: &str,
    places: &[String],
) -> Result<Vec<SourceFile>, AssembleError> {
    let mut found = BTreeMap::new();
    for (number, place) in places.iter().enumerate() {
        let input = format!("{role}.{number:03}");
        let Some(tree) = call.tree_if_there(&input) else {
            let (name, blob) = (place.clone(), call.blob(&input)?);
            found.insert(name.clone(), SourceFile { name, bytes: bounded(call, blob, place)? });
            continue;
        };
        for (path, blob, _) in files(&call.store.load_tree(tree)?) {
            let file = path.rsplit('/').next().unwrap_or(&path);
            let known = [".yaml", ".yml", ".json"].iter().any(|end| file.ends_with(end));
            if !known || file == "kustomization.yaml" {
                continue;
            }
            let name = match place.as_str() {
                "." => path,
                place => format!("{place}/{path}"),
            };
            let bytes = bounded(call, blob, &name)?;
            // A file that two patterns mean is one file.
            found.insert(name.clone(), SourceFile { name, bytes });
        }
    }
    Ok(found.into_values().collect())
}
