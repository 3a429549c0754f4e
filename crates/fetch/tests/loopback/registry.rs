//! Images from a registry that hands out tokens and keeps its layers elsewhere.

use crate::{Fixture, bytes, server::Server, settings, told};
use groundup_digest::Sha256;
use groundup_fetch::{
    Credential, Fetcher, ImagePin, ImagePlatform, ImageReference, LayoutFile, Registry,
    RegistryError, Settings,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicBool},
};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry with one image for two platforms.
struct Fake {
    server: Server,
    storage: Server,
    index: Vec<u8>,
    layer: Vec<u8>,
    blobs: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

fn descriptor(media_type: &str, bytes: &[u8], more: &str) -> String {
    let (digest, size) = (Sha256::of(bytes).oci(), bytes.len());
    format!("{{\"mediaType\":\"{media_type}\",\"digest\":\"{digest}\",\"size\":{size}{more}}}")
}

impl Fake {
    fn start() -> Self {
        let mut blobs = BTreeMap::new();
        let mut put = |bytes: &[u8]| blobs.insert(Sha256::of(bytes).oci(), bytes.to_vec());
        let layer = bytes(100_000);
        put(&layer);
        let mut listed = Vec::new();
        for architecture in ["amd64", "arm64"] {
            let config = format!("{{\"architecture\":\"{architecture}\"}}").into_bytes();
            let config_type = "application/vnd.oci.image.config.v1+json";
            let manifest = format!(
                "{{\"schemaVersion\":2,\"config\":{},\"layers\":[{}]}}",
                descriptor(config_type, &config, ""),
                descriptor("application/vnd.oci.image.layer.v1.tar", &layer, ""),
            );
            put(&config);
            put(manifest.as_bytes());
            let platform =
                format!(",\"platform\":{{\"os\":\"linux\",\"architecture\":\"{architecture}\"}}");
            listed.push(descriptor(MANIFEST, manifest.as_bytes(), &platform));
        }
        let index = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{INDEX}\",\"manifests\":[{}]}}",
            listed.join(",")
        );
        let index = index.into_bytes();
        put(&index);
        blobs.insert("12".to_owned(), index.clone());
        let blobs = Arc::new(Mutex::new(blobs));

        let (kept, storage_blobs) = (blobs.clone(), blobs.clone());
        let storage = Server::start(move |_, seen, reply| {
            reply.ok(&storage_blobs.lock().unwrap()[&seen.target[1..]]);
        });
        let elsewhere = storage.url("");
        let server = Server::start(move |_, seen, reply| {
            let host = seen.header("host").unwrap();
            if seen.target.starts_with("/token") {
                let known = seen.header("authorization") == Some("Basic YW5uOnNlY3JldA==");
                let asked = "/token?service=fake&scope=repository%3Ateam%2Fdebian%3Apull";
                assert_eq!(seen.target, asked);
                return match known {
                    true => reply.ok(b"{\"token\": \"t0ken\"}"),
                    false => reply.send("401 Unauthorized", "", b""),
                };
            }
            if seen.header("authorization") != Some("Bearer t0ken") {
                let realm = format!(
                    "WWW-Authenticate: Bearer realm=\"http://{host}/token\",service=\"fake\"\r\n"
                );
                return reply.send("401 Unauthorized", &realm, b"");
            }
            let (path, name) = seen.target.rsplit_once('/').unwrap();
            match (path, kept.lock().unwrap().get(name)) {
                ("/v2/team/debian/manifests", Some(bytes)) => reply.ok(bytes),
                ("/v2/team/debian/blobs", Some(_)) => {
                    let to = format!("Location: {elsewhere}/{name}\r\n");
                    reply.send("307 Temporary Redirect", &to, b"");
                }
                _ => reply.send("404 Not Found", "", b""),
            }
        });
        Self { server, storage, index, layer, blobs }
    }

    fn reference(&self, rest: &str) -> ImageReference {
        format!("docker://{}/team/debian{rest}", self.server.host()).parse().unwrap()
    }

    fn settings(&self) -> Settings {
        let mut settings = settings();
        let ann = Credential::Basic { user: "ann".into(), password: "secret".into() };
        settings.credentials.add(&self.server.host(), ann);
        settings
    }

    fn pin(&self) -> ImagePin {
        let (digest, size) = (Sha256::of(&self.index), self.index.len() as u64);
        ImagePin { digest, size, media_type: INDEX.to_owned() }
    }

    fn fetch(
        &self,
        fixture: &Fixture,
        platforms: &[ImagePlatform],
    ) -> Result<Vec<LayoutFile>, RegistryError> {
        let (fetcher, cancel) = (Fetcher::new(self.settings()), AtomicBool::new(false));
        let registry = Registry::new(&fetcher);
        let (image, pin) = (self.reference(":12"), self.pin());
        registry.fetch_image(&fixture.store, &image, &pin, platforms, &|_| (), &cancel)
    }
}

fn arm64() -> ImagePlatform {
    ImagePlatform { os: "linux".into(), architecture: "arm64".into(), variant: None }
}

#[test]
fn a_tag_is_resolved_to_the_digest_of_its_index() {
    let fake = Fake::start();
    let (fetcher, cancel) = (Fetcher::new(fake.settings()), AtomicBool::new(false));
    let registry = Registry::new(&fetcher);
    assert_eq!(registry.resolve(&fake.reference(":12"), &cancel).unwrap(), fake.pin());
    let tokens = |fake: &Fake| {
        fake.server.seen().iter().filter(|seen| seen.target.starts_with("/token")).count()
    };
    registry.resolve(&fake.reference(":12"), &cancel).unwrap();
    assert_eq!(tokens(&fake), 1, "a token is asked for once");
}

#[test]
fn an_image_becomes_the_files_of_a_layout_and_is_fetched_once() {
    let (fake, fixture) = (Fake::start(), Fixture::new());
    let files = fake.fetch(&fixture, &[]).unwrap();
    // An index, two manifests, two configurations, one layer; and the two files of the layout.
    assert_eq!(files.len(), 8);
    assert!(files.is_sorted_by(|a, b| a.path < b.path));
    let content = |path: &str| {
        let file = files.iter().find(|file| file.path == path).unwrap();
        fixture.content(file.blob)
    };
    assert_eq!(content(&format!("blobs/sha256/{}", Sha256::of(&fake.layer))), fake.layer);
    assert_eq!(content("oci-layout"), b"{\"imageLayoutVersion\":\"1.0.0\"}");
    let index = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{INDEX}\",\"manifests\":[{}]}}",
        descriptor(INDEX, &fake.index, "")
    );
    assert_eq!(String::from_utf8(content("index.json")).unwrap(), index);
    let before = fake.server.seen().len();
    assert_eq!(fake.fetch(&fixture, &[]).unwrap(), files);
    assert_eq!(fake.server.seen().len(), before, "what the store has opens no socket");
    assert!(fake.storage.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

#[test]
fn only_the_platforms_that_are_asked_for_are_fetched() {
    let (fake, fixture) = (Fake::start(), Fixture::new());
    assert_eq!(fake.fetch(&fixture, &[arm64()]).unwrap().len(), 6);
    let other = ImagePlatform { architecture: "riscv64".into(), ..arm64() };
    let error = fake.fetch(&fixture, &[other]).unwrap_err().to_string();
    assert!(error.contains("linux/riscv64; it is for: linux/amd64, linux/arm64"), "{error}");
}

#[test]
fn a_layer_with_other_bytes_is_refused() {
    let (fake, fixture) = (Fake::start(), Fixture::new());
    let other = bytes(200_000)[100_000..].to_vec();
    fake.blobs.lock().unwrap().insert(Sha256::of(&fake.layer).oci(), other);
    let error = fake.fetch(&fixture, &[]).unwrap_err();
    let text = told(&error);
    assert!(text.contains("layer 1 of 1 of docker://"), "{text}");
    assert!(text.contains("the content is not the pinned one"), "{text}");
}

#[test]
fn a_manifest_with_another_digest_than_named_is_refused() {
    let fake = Fake::start();
    let digest = Sha256::of(b"another");
    fake.blobs.lock().unwrap().insert(digest.oci(), fake.index.clone());
    let (fetcher, cancel) = (Fetcher::new(fake.settings()), AtomicBool::new(false));
    let reference = fake.reference(&format!("@{}", digest.oci()));
    let error = Registry::new(&fetcher).resolve(&reference, &cancel).unwrap_err();
    assert!(told(&error).contains(&digest.to_string()), "{}", told(&error));
}

#[test]
fn a_registry_that_refuses_is_named() {
    let (fake, cancel) = (Fake::start(), AtomicBool::new(false));
    let fetcher = Fetcher::new(settings());
    let error = Registry::new(&fetcher).resolve(&fake.reference(":12"), &cancel).unwrap_err();
    let text = told(&error);
    assert!(text.contains(&format!("access to registry {}", fake.server.host())), "{text}");
    assert!(text.contains("status 401"), "{text}");
}
