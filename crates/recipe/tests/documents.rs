//! Checked-in documents that are generated equal what the code generates.

use groundup_recipe::{SchemaFile, json_schema, reference};
use std::path::Path;

fn checked_in(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(path);
    std::fs::read_to_string(&path).unwrap_or_default()
}

const ANEW: &str = "write it anew: cargo run -p groundup-recipe --example schema";

#[test]
fn schemas_are_the_generated_ones() {
    assert!(checked_in("schema/recipe.json") == json_schema(SchemaFile::Recipe), "{ANEW}");
    assert!(checked_in("schema/workspace.json") == json_schema(SchemaFile::Workspace), "{ANEW}");
}

#[test]
fn the_reference_is_the_generated_one() {
    assert!(checked_in("recipes.md") == reference(), "{ANEW}");
}

#[test]
fn the_example_of_the_reference_is_a_workspace() {
    let text = reference();
    let blocks: Vec<&str> =
        text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [workspace, recipe] = blocks.as_slice() else { panic!("two files") };
    let files = [("groundup.toml", *workspace), ("recipes/web.toml", *recipe)];
    let loaded = groundup_recipe::load(&groundup_recipe::MemoryLoader::new(files));
    assert!(loaded.is_ok(), "{}", loaded.unwrap_err());
}

#[test]
fn the_example_of_the_guide_for_dockerfiles_is_a_workspace() {
    let text = checked_in("guide-migration.md");
    let blocks: Vec<&str> =
        text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [workspace, recipe] = blocks.as_slice() else { panic!("two files") };
    let files = [
        ("groundup.toml", *workspace),
        ("recipes/app.toml", *recipe),
        ("app/app.c", ""),
        ("app/app.conf", ""),
    ];
    let loaded = groundup_recipe::load(&groundup_recipe::MemoryLoader::new(files));
    assert!(loaded.is_ok(), "{}", loaded.unwrap_err());
}

#[test]
fn the_schema_names_every_key_that_the_checker_takes() {
    // A key that the checker knows but the schema does not would be underlined by editors.
    let schema = json_schema(SchemaFile::Workspace);
    for line in reference().lines() {
        if let Some((key, _)) = line.strip_prefix("| `").and_then(|rest| rest.split_once('`')) {
            assert!(schema.contains(&format!("\"{key}\": {{")), "{key}");
        }
    }
}
