//! skopeo and umoci read what groundup writes: layouts, OCI archives, Docker archives.

use crate::tower::{IMAGES, plain};
use groundup_tests::succeed;

/// `image.web` -> `web`.
fn name(image: &str) -> &str {
    image.strip_prefix("image.").expect("the name of an image target")
}

#[test]
fn skopeo_finds_the_digest_that_groundup_tells() {
    let tower = plain();
    for image in IMAGES {
        let seen = tower.tool_json(&format!("skopeo inspect oci:out/{image}"));
        assert_eq!(seen["Digest"], tower.digest(image), "{seen}");
        assert_eq!(seen["Architecture"], "amd64", "{seen}");
        assert_eq!(seen["Labels"]["org.opencontainers.image.title"], name(image), "{seen}");
    }
}

#[test]
fn skopeo_copies_each_layout_without_changing_a_byte() {
    let tower = plain();
    for image in IMAGES {
        // skopeo checks each blob against its digest; `dir:` keeps the manifest as it is.
        let script = format!(
            "skopeo copy --quiet oci:out/{image} dir:copied.{image}; \
             sha256sum < copied.{image}/manifest.json"
        );
        let copied = tower.tools(&script);
        let digest = copied.split_whitespace().next().expect("a digest");
        assert_eq!(format!("sha256:{digest}"), tower.digest(image));
    }
}

#[test]
fn skopeo_turns_each_layout_into_a_docker_archive() {
    let tower = plain();
    for image in IMAGES {
        let script = format!(
            "skopeo copy --quiet oci:out/{image} docker-archive:by-skopeo.{image}:{tag}; \
             skopeo inspect --config docker-archive:by-skopeo.{image}",
            tag = format_args!("{}:latest", name(image)),
        );
        let layout = tower.tool_json(&format!("skopeo inspect --config oci:out/{image}"));
        let archive = tower.tool_json(&script);
        assert_eq!(layout["rootfs"]["diff_ids"], archive["rootfs"]["diff_ids"]);
    }
}

#[test]
fn skopeo_accepts_the_oci_archive() {
    let tower = plain();
    for image in IMAGES {
        let file = format!("{image}.oci.tar");
        succeed(tower.groundup().args(["build", "--no-out", image, "--oci-archive", &file]));
        let seen = tower.tool_json(&format!("skopeo inspect oci-archive:{file}"));
        assert_eq!(seen["Digest"], tower.digest(image), "{seen}");
        tower.tools(&format!("skopeo copy --quiet oci-archive:{file} dir:from-oci.{image}"));
    }
}

#[test]
fn skopeo_accepts_the_docker_archive() {
    let tower = plain();
    for image in IMAGES {
        let file = format!("{image}.docker.tar");
        succeed(tower.groundup().args(["build", "--no-out", image, "--docker-archive", &file]));
        let layout = tower.tool_json(&format!("skopeo inspect --config oci:out/{image}"));
        let archive = tower.tool_json(&format!("skopeo inspect --config docker-archive:{file}"));
        assert_eq!(layout, archive);
        let seen = tower.tool_json(&format!("skopeo list-tags docker-archive:{file}"));
        assert_eq!(seen["Tags"], serde_json::json!([format!("{}:latest", name(image))]));
        tower.tools(&format!("skopeo copy --quiet docker-archive:{file} dir:from-docker.{image}"));
    }
}
