//! Writes `docs/recipes.md` and `docs/schema/*.json` anew from the description in the code.
//!
//! Run from the top of the repository: `cargo run -p groundup-recipe --example schema`.

use groundup_recipe::{SchemaFile, json_schema, reference};
use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    fs::create_dir_all(docs.join("schema"))?;
    fs::write(docs.join("recipes.md"), reference())?;
    fs::write(docs.join("schema/recipe.json"), json_schema(SchemaFile::Recipe))?;
    fs::write(docs.join("schema/workspace.json"), json_schema(SchemaFile::Workspace))
}
