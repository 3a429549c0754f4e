//! Images in objects: where they stand, what their names mean, and which digest takes their place.

use crate::{
    Finding, Object, Rule,
    pointer::{tokens, visit},
    yaml::{Node, Value},
};
use groundup_recipe::nearest;
use std::collections::BTreeSet;

/// A name of an image and the image that this graph built for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The name in the manifests.
    pub name: String,
    /// The name that comes out.
    pub becomes: String,
    /// `sha256:…`.
    pub digest: String,
}

/// What is known of images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Images {
    /// Those of this graph.
    pub built: Vec<Image>,
    /// Those of others, `name@sha256:…`.
    pub outside: Vec<String>,
    /// Fields of custom resources that hold images: kind and pointer, with `*` for any part.
    pub fields: Vec<(String, String)>,
}

/// The parts of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reference<'a> {
    name: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// As kustomize splits it: the digest behind `@`, the tag behind a colon of the last part.
    fn parse(text: &'a str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let last = rest.rfind('/').map_or(0, |at| at + 1);
        match rest[last..].find(':') {
            Some(at) => {
                let (name, tag) = rest.split_at(last + at);
                Reference { name, tag: Some(&tag[1..]), digest }
            }
            None => Reference { name: rest, tag: None, digest },
        }
    }
}

impl Images {
    /// Puts digests in place of names, and says which images have none. `used` takes the indexes of
    /// the images that were met.
    pub(crate) fn pin(
        &self,
        object: &mut Object,
        used: &mut BTreeSet<usize>,
        out: &mut Vec<Finding>,
    ) {
        let fields = self.fields.iter().filter(|(kind, _)| *kind == object.kind);
        let fields: Vec<Vec<String>> = fields.map(|(_, pointer)| tokens(pointer)).collect();
        let mut root =
            std::mem::replace(&mut object.root, Node::new(Value::Null, Default::default()));
        let mut to = |node: &mut Node| out.extend(self.pin_one(object, node, used));
        // Definitions of custom resources describe fields called `containers`; they have none.
        if object.kind != "CustomResourceDefinition" {
            containers(&mut root, &mut to);
        }
        for field in &fields {
            visit(&mut root, field, &mut to);
        }
        object.root = root;
    }

    fn pin_one(
        &self,
        object: &Object,
        node: &mut Node,
        used: &mut BTreeSet<usize>,
    ) -> Option<Finding> {
        let problem = |rule, message: String, help: Option<String>| {
            Some(Finding { help, ..object.finding(rule, node.at, message) })
        };
        let Some(text) = node.as_text() else {
            // Wrong types are the schema's affair; custom resources may have none.
            return match node.value {
                Value::Null => None,
                _ => problem(
                    Rule::WrongValue,
                    format!("an image is a text, found {}", node.noun()),
                    None,
                ),
            };
        };
        let reference = Reference::parse(text);
        let found = self.built.iter().position(|image| image.name == reference.name);
        if let Some(index) = found {
            used.insert(index);
            let image = &self.built[index];
            if let Some(digest) = reference.digest.filter(|digest| *digest != image.digest) {
                let message = format!(
                    "`{}` has the digest {digest}, which this graph did not build",
                    image.name
                );
                let help = "leave the digest out: that of the graph takes its place".to_owned();
                return problem(Rule::UnknownDigest, message, Some(help));
            }
            node.value = Value::Text(format!("{}@{}", image.becomes, image.digest));
            return None;
        }
        if let Some(digest) = reference.digest {
            let known = self
                .built
                .iter()
                .any(|image| image.digest == digest && image.becomes == reference.name)
                || self.outside.iter().any(|known| {
                    let known = Reference::parse(known);
                    known.digest == Some(digest) && known.name == reference.name
                });
            if known {
                return None;
            }
            let help = "map its name in `images`, or name it in `outside` if others built it";
            let message = format!("`{text}` has a digest that this graph did not build");
            return problem(Rule::UnknownDigest, message, Some(help.to_owned()));
        }
        let near = nearest(reference.name, self.built.iter().map(|image| image.name.as_str()));
        let help = match near {
            Some(near) => format!("did you mean `{near}`, which `images` has?"),
            None => format!(
                "add `\"{}\"` to `images` of the recipe, or write its digest and name it in `outside`",
                reference.name
            ),
        };
        match reference.tag {
            None => {
                let message =
                    format!("the image `{text}` has neither tag nor digest, which means `latest`");
                problem(Rule::MutableTag, message, Some(help))
            }
            Some(tag @ ("latest" | "stable" | "edge" | "main" | "master" | "nightly")) => {
                let message =
                    format!("the image `{text}` has the tag `{tag}`, which is meant to move");
                problem(Rule::MutableTag, message, Some(help))
            }
            Some(_) => {
                let message = format!("the image `{text}` is not pinned: its tag can be moved");
                problem(Rule::UnpinnedImage, message, Some(help))
            }
        }
    }

    /// The fields of kinds that no object is of: a typo there would let images pass.
    pub(crate) fn idle_fields(&self, objects: &[Object]) -> Vec<Finding> {
        let kinds = || objects.iter().map(|object| object.kind.as_str());
        let idle = self.fields.iter().filter(|(kind, _)| kinds().all(|it| it != kind));
        idle.map(|(kind, _)| {
            let message = format!("`image_fields` has the kind `{kind}`, but no object is of it");
            let help = nearest(kind, kinds()).map(|near| format!("did you mean `{near}`?"));
            Finding { rule: Rule::Recipe, location: None, object: None, message, help }
        })
        .collect()
    }

    /// The names that no object has.
    pub(crate) fn unused(&self, used: &BTreeSet<usize>, seen: &BTreeSet<String>) -> Vec<Finding> {
        let unused = self.built.iter().enumerate().filter(|(index, _)| !used.contains(index));
        unused
            .map(|(_, image)| {
                let near = nearest(&image.name, seen.iter().map(String::as_str));
                Finding {
                    rule: Rule::Recipe,
                    location: None,
                    object: None,
                    message: format!("`images` has `{}`, but no object has this image", image.name),
                    help: near.map(|near| format!("there is `{near}`")),
                }
            })
            .collect()
    }
}

/// The names of all images of an object.
pub(crate) fn names(object: &mut Object, seen: &mut BTreeSet<String>) {
    containers(&mut object.root, &mut |node| {
        seen.extend(node.as_text().map(|text| Reference::parse(text).name.to_owned()));
    });
}

/// Visits the image of every container, at any depth, as kustomize does, and of image volumes.
fn containers(node: &mut Node, to: &mut dyn FnMut(&mut Node)) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| containers(item, to)),
        Value::Map(map) => {
            for entry in map.iter_mut() {
                let place: &[&str] = match entry.key.as_str() {
                    "containers" | "initContainers" | "ephemeralContainers" => &["*", "image"],
                    "volumes" => &["*", "image", "reference"],
                    _ => &[],
                };
                if !place.is_empty() && entry.node.as_list().is_some() {
                    let place: Vec<String> = place.iter().map(|part| (*part).to_owned()).collect();
                    visit(&mut entry.node, &place, to);
                }
                containers(&mut entry.node, to);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_a_registry_is_no_tag() {
        let parse = |text| {
            let found = Reference::parse(text);
            (found.name, found.tag, found.digest)
        };
        assert_eq!(parse("localhost:5000/a/b"), ("localhost:5000/a/b", None, None));
        assert_eq!(parse("localhost:5000/a:1"), ("localhost:5000/a", Some("1"), None));
        assert_eq!(parse("a:1@sha256:ab"), ("a", Some("1"), Some("sha256:ab")));
        assert_eq!(parse("nginx"), ("nginx", None, None));
    }
}
