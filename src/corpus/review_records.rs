//! Records of journals as one annotator may see them.

use crate::domain::review::{Reference, ReviewRecord};
use crate::domain::{ContentHash, RecordId, TargetId};

use super::{Corpus, CorpusError};

impl Corpus {
    /// What a record of a journal is about here: its id and present hash. It is found by hash, then by id, since names of
    /// sources differ between machines; `None` if this workspace has no such record.
    pub fn resolve(
        &self,
        reference: &Reference,
    ) -> Result<Option<(TargetId, ContentHash)>, CorpusError> {
        let mut of_hash = None;
        for key in self.reader.keys_of(&reference.hash.to_string())? {
            let Some(row) = self.row(key)? else { continue };
            let Some(source) = self.state.by_ordinal(key.source) else {
                continue;
            };
            let id = RecordId::new(&source.name, &row.id);
            if row.hash == reference.hash {
                if id == reference.id.record {
                    return Ok(Some((reference.id.clone(), row.hash)));
                }
                of_hash.get_or_insert((id, row.hash));
            }
        }
        if let Some((_, row)) = self.row_of(&reference.id.record)? {
            return Ok(Some((reference.id.clone(), row.hash)));
        }
        Ok(of_hash.map(|(record, hash)| {
            let part = reference.id.part.clone();
            (TargetId { record, part }, hash)
        }))
    }

    /// Every record about a target, undone ones included, in order.
    pub fn records_of(&self, target: &TargetId, hash: &ContentHash) -> Vec<ReviewRecord> {
        let elsewhere = |other: &TargetId| matches!(self.row_of(&other.record), Ok(Some(_)));
        let journals = self.journals();
        let records = journals.reviews().records_of(target, hash, elsewhere);
        records.into_iter().cloned().collect()
    }

    /// Whether this annotator may see a record: how others judge stays hidden until one's own verdict is given. Of an undo
    /// or redo, see what it switches.
    pub fn may_see(&self, record: &ReviewRecord) -> Result<bool, CorpusError> {
        let own = self.config.review.annotator.as_str();
        if !self.config.review.blind || *record.annotator == *own || !record.verb.is_judgement() {
            return Ok(true);
        }
        let Some(target) = &record.target else {
            return Ok(true);
        };
        let reference = &target.reference;
        let here = self.resolve(reference)?;
        let (id, hash) = here.unwrap_or_else(|| (reference.id.clone(), reference.hash));
        let review = self.full_review(&id, &hash);
        if review.adjudication.is_some() {
            return Ok(true);
        }
        // Whoever gave a verdict on what the record was sees what others thought of it then.
        let mut earlier = review.earlier.iter();
        let of_then = match reference.hash == hash {
            true => Some(&review),
            false => earlier
                .find(|earlier| earlier.hash == reference.hash)
                .map(|earlier| &earlier.review),
        };
        Ok(of_then.is_some_and(|review| review.verdicts.contains_key(own)))
    }
}
