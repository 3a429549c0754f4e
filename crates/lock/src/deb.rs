//! Single `.deb` files: what their control file says, as one more entry for the resolver.

use groundup_debian::{
    archive::{
        Index, IndexError,
        deb822::{Deb822Error, stanzas},
    },
    package::{UnpackError, unpack},
};
use groundup_digest::Content;
use groundup_store::{Store, StoreError};
use groundup_tree::{Kind, TreePath};

/// What a `.deb` says of itself.
#[derive(Debug)]
pub(crate) struct Deb {
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) arch: String,
    /// An index of this package alone.
    pub(crate) index: Index,
}

/// Why a `.deb` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// The store does not give it, or not take it.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    /// It cannot be unpacked.
    #[error("cannot unpack it")]
    Unpack(#[from] UnpackError),
    /// It has no control file.
    #[error("it has no file `control`")]
    NoControl,
    /// The control file is none.
    #[error("its control file cannot be read")]
    Control(#[from] Deb822Error),
    /// The control file is not of one package.
    #[error("its control file describes {0} packages instead of one")]
    Stanzas(usize),
    /// The control file has a bad field.
    #[error("its control file has a bad field")]
    Field(#[from] IndexError),
}

impl Deb {
    /// Reads the `.deb` of `content`, which is in the store; `name` is the source's.
    pub(crate) fn read(store: &Store, content: &Content, name: &str) -> Result<Self, DebError> {
        let control = store.load_tree(unpack(store, content.blob)?.control)?;
        let path = TreePath::parse(b"control").map_err(|_| DebError::NoControl)?;
        let Some(Kind::File { blob, .. }) = control.get(&path).map(|node| &node.kind) else {
            return Err(DebError::NoControl);
        };
        Self::of_control(&store.read_blob(*blob)?, content, name)
    }

    fn of_control(control: &[u8], content: &Content, name: &str) -> Result<Self, DebError> {
        let stanzas = stanzas(control)?.collect::<Result<Vec<_>, _>>()?;
        let [stanza] = stanzas.as_slice() else { return Err(DebError::Stanzas(stanzas.len())) };
        let mut text = String::new();
        let added = ["Filename", "Size", "SHA256"];
        for (field, value) in stanza.fields() {
            if !added.iter().any(|name| name.eq_ignore_ascii_case(field)) {
                text.push_str(&format!("{field}: {value}\n"));
            }
        }
        let Content { size, sha256, .. } = content;
        text.push_str(&format!("Filename: source/{name}.deb\nSize: {size}\nSHA256: {sha256}\n"));
        let field = |name| stanza.require(name).map(str::to_owned);
        Ok(Self {
            package: field("Package")?,
            version: field("Version")?,
            arch: field("Architecture")?,
            index: Index::parse(text.as_bytes())?,
        })
    }
}
