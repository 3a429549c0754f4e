//! Writes `docs/recipes.md` and `docs/schema/*.json` anew from the description in the code.
//!
//! Its argument is the folder to write into; without one it is `docs/` of this repository.
//! `cargo xtask docs` runs it.

use groundup_recipe::{SchemaFile, json_schema, reference};
use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let docs = std::env::args_os().nth(1).map_or(own, Into::into);
    fs::create_dir_all(docs.join("schema"))?;
    fs::write(docs.join("recipes.md"), reference())?;
    fs::write(docs.join("schema/recipe.json"), json_schema(SchemaFile::Recipe))?;
    fs::write(docs.join("schema/workspace.json"), json_schema(SchemaFile::Workspace))
}
