//! Whose eyes the index has. What others decided is hidden from an annotator until they have decided themselves, so an
//! index that another annotator wrote, and that can't be made anew now, must not answer what they may see.

use crate::index::query::{Clause, Expression, FieldKind, Query, Test};

use super::{Corpus, CorpusError};

/// Fields that tell what people decided.
const DECIDED: [&str; 4] = ["review", "verdict", "label", "reason"];

/// States that do. That others disagree is no verdict, and everybody may see it.
const DECIDED_STATES: [&str; 5] = ["reviewed", "unreviewed", "accepted", "rejected", "tie"];

impl Corpus {
    /// The annotator whose eyes the index has, if they may see what this one may not; empty for whoever sees everything.
    pub fn other_eyes(&self) -> Option<&str> {
        let review = &self.config.review;
        let then = self.state.followed.as_ref()?;
        let is_own = then.blind && then.annotator == review.annotator;
        let sees_more = review.blind && !is_own && !then.is_nothing();
        sees_more.then_some(match then.blind {
            true => then.annotator.as_str(),
            false => "",
        })
    }

    /// Text fields that plain words must not look through now.
    pub(super) fn hidden_texts(&self) -> &'static [&'static str] {
        match self.other_eyes() {
            Some(_) => &["reason"],
            None => &[],
        }
    }

    /// Whether a field must not be counted now.
    pub(super) fn is_hidden(&self, field: &str) -> bool {
        self.other_eyes().is_some() && (DECIDED.contains(&field) || field == "is")
    }

    /// An error if a query asks what must not be answered now.
    pub(super) fn check_eyes(&self, query: &Query) -> Result<(), CorpusError> {
        let Some(whose) = self.other_eyes() else {
            return Ok(());
        };
        match decided(&query.expression) {
            Some(clause) => Err(CorpusError::OtherEyes {
                clause,
                whose: whose.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// The same for the fields of a count or sample.
    pub(super) fn check_fields(&self, fields: &[&str]) -> Result<(), CorpusError> {
        let hidden = fields.iter().find(|field| self.is_hidden(field));
        match hidden.zip(self.other_eyes()) {
            Some((field, whose)) => Err(CorpusError::OtherEyes {
                clause: (*field).to_owned(),
                whose: whose.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// The first clause of an expression that tells what people decided, as it is typed.
fn decided(expression: &Expression) -> Option<String> {
    match expression {
        Expression::All => None,
        Expression::And(parts) | Expression::Or(parts) => parts.iter().find_map(decided),
        Expression::Not(inner) => decided(inner),
        Expression::Term(clause) => of_clause(clause),
    }
}

fn of_clause(clause: &Clause) -> Option<String> {
    let field = clause.field?;
    match (&clause.test, field.kind) {
        (Test::Flag(state), FieldKind::Is) => {
            let told = DECIDED_STATES.contains(state);
            told.then(|| format!("is:{state}"))
        }
        _ => {
            let told = DECIDED.contains(&field.name);
            told.then(|| format!("{}:", field.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::query::parse;

    #[test]
    fn what_people_decided_is_found_wherever_it_stands() {
        for (query, found) in [
            ("boat", None),
            ("is:disputed OR is:stale tag:x note:year", None),
            ("boat -(code:x OR verdict:accepted)", Some("verdict:")),
            ("is:unreviewed", Some("is:unreviewed")),
            ("label:bad", Some("label:")),
            ("reason:/x/", Some("reason:")),
            ("review:tie", Some("review:")),
        ] {
            let parsed = parse(query).expect(query);
            assert_eq!(decided(&parsed.expression).as_deref(), found, "{query}");
        }
    }
}
