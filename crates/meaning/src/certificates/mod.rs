//! PEM (RFC 7468): blocks that came and went, by the SHA-256 of their bytes; certificates by who they are
//! of. Of private keys nothing is told but that they changed.

mod der;

use crate::{
    Finding, Kind, Pair,
    encoding::{base64, to_hex},
    unread::Unread,
};
use der::Certificate;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Blocks of one file.
const MOST: usize = 100_000;

/// One block.
struct Block {
    label: String,
    bytes: Vec<u8>,
    print: String,
}

/// Compares two bundles.
pub(crate) fn certificates(pair: &Pair<'_>) -> Result<Vec<Finding>, Unread> {
    let (before, after) = (read(pair.before)?, read(pair.after)?);
    let index = |blocks: &[Block]| -> BTreeMap<String, usize> {
        blocks.iter().enumerate().map(|(at, block)| (block.print.clone(), at)).collect()
    };
    let (a, b) = (index(&before), index(&after));
    let mut gone: Vec<&Block> =
        before.iter().filter(|block| !b.contains_key(&block.print)).collect();
    let mut findings = Vec::new();
    for block in after.iter().filter(|block| !a.contains_key(&block.print)) {
        // A certificate of the same name is a renewal.
        let name = block.name();
        let old = gone.iter().position(|old| old.name() == name && old.label == block.label);
        let old = old.map(|at| gone.remove(at));
        let mut finding = Finding::bare(Kind::Certificate, name);
        finding.before = old.map(Block::shown);
        finding.after = Some(block.shown());
        findings.push(match old {
            Some(_) => finding.note("renewed, or made anew"),
            None => finding,
        });
    }
    findings.extend(
        gone.into_iter()
            .map(|block| Finding::removed(Kind::Certificate, block.name(), block.shown())),
    );
    let prints =
        |blocks: &[Block]| blocks.iter().map(|block| block.print.clone()).collect::<Vec<_>>();
    if findings.is_empty() && prints(&before) != prints(&after) {
        let same = a.len() == b.len() && before.len() == after.len();
        let note = if same { "in another order" } else { "some are there several times" };
        findings.push(Finding::bare(Kind::Encoding, "the same certificates").note(note));
    }
    Ok(findings)
}

impl Block {
    fn certificate(&self) -> Option<Certificate> {
        self.label.contains("CERTIFICATE").then(|| Certificate::read(&self.bytes)).flatten()
    }

    fn name(&self) -> String {
        match self.certificate() {
            Some(certificate) => format!("certificate {}", certificate.subject),
            None => self.label.to_lowercase(),
        }
    }

    fn shown(&self) -> String {
        if self.label.contains("PRIVATE KEY") {
            return "a private key".to_owned();
        }
        match self.certificate() {
            Some(one) => format!(
                "issued by {}, valid from {} to {}, sha256 {}",
                one.issuer, one.from, one.until, self.print
            ),
            None => format!("{} bytes, sha256 {}", self.bytes.len(), self.print),
        }
    }
}

fn read(text: &[u8]) -> Result<Vec<Block>, Unread> {
    let text = String::from_utf8_lossy(text);
    let (mut blocks, mut open) = (Vec::new(), None::<(usize, String, String)>);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let mark = |kind: &str| {
            let rest = line.strip_prefix("-----")?.strip_prefix(kind)?;
            Some(rest.strip_suffix("-----")?.to_owned())
        };
        if let Some(label) = mark("BEGIN ") {
            open = Some((at + 1, label, String::new()));
        } else if let Some(end) = mark("END ") {
            let (line, label, body) =
                open.take().ok_or_else(|| Unread::line(at + 1, "an end without a beginning"))?;
            if label != end {
                return Err(Unread::line(
                    at + 1,
                    format!("`{label}` of line {line} ends as `{end}`"),
                ));
            }
            let bytes = base64(&body).ok_or_else(|| Unread::line(line, "this is not base64"))?;
            let print = to_hex(&Sha256::digest(&bytes));
            blocks.push(Block { label, bytes, print });
            if blocks.len() > MOST {
                return Err(Unread::Many(MOST));
            }
        } else if let Some((_, _, body)) = &mut open
            && !line.contains(':')
        {
            body.push_str(line);
        }
    }
    match (open, blocks.is_empty() && !text.trim().is_empty()) {
        (Some((line, ..)), _) => Err(Unread::line(line, "a block does not end")),
        (None, true) => Err(Unread::Other("it holds no block".into())),
        (None, false) => Ok(blocks),
    }
}

#[cfg(test)]
mod tests;
