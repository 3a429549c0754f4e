//! Where every file of an image comes from, and what its digest says.

use crate::tower::plain;
use groundup_tests::{answer, history::every_path_ends};

#[test]
fn every_path_of_an_image_ends_at_a_pin_a_recipe_or_a_file() {
    let tower = plain();
    for (image, files) in [("image.web", 2), ("image.netcheck", 1)] {
        let digest = tower.digest(image);
        let ends = every_path_ends(&tower.root, image);
        assert!(ends.pins > 400 && ends.agreed > 300, "{image}: {ends:?}");
        assert!(ends.files >= files, "{image}: {ends:?}");
        let born = answer(tower.groundup().args(["whence", &digest]));
        assert_eq!(born["born"][0]["is"], "image-manifest", "{born}");
        assert_eq!(born["born"][0]["owner"], image);
    }
}
