//! What is shown of a record whose source changed under its review.

use serde_json::{Value, json};

use crate::cli::output::Style;
use crate::config::Config;
use crate::corpus::decision::Subject;
use crate::corpus::{Corpus, FieldDifference};
use crate::domain::review::words::{step_words, words};
use crate::domain::review::{
    ChangeKind, EarlierReview, Edit, Review, ReviewRecord, Side, StepKey, candidate_text,
    step_text, trajectory_text,
};
use crate::report::Report;
use crate::workspace::RecordTexts;

use super::Shown;
use super::page::{INDENT, Page};
use super::review_json::review_json;
use crate::cli::line_difference;

/// A review of what the record was.
pub struct SourceChange {
    /// The hash that the record had, and what was decided then, as far as it may be seen.
    earlier: EarlierReview,
    /// The records of that review that count and may be seen.
    records: Vec<ReviewRecord>,
    /// How the record differs now; `None` where what it was is not kept here.
    differences: Option<Vec<FieldDifference>>,
    edits: Vec<EarlierEdit>,
}

/// An edit that was made of what the record was, beside the present text of its field.
struct EarlierEdit {
    record: uuid::Uuid,
    annotator: String,
    step: Option<StepKey>,
    edit: Edit,
    present: String,
}

/// How a record differs from what people reviewed, for each state of it that they did.
pub fn changes(
    subject: &Subject,
    corpus: &Corpus,
    texts: &RecordTexts,
    config: &Config,
) -> Vec<SourceChange> {
    let record = &subject.record;
    let limit = config.read.max_record_mb.saturating_mul(1 << 20);
    let of_target = corpus.records_of(subject.id(), &record.hash);
    let change = |earlier: &EarlierReview| {
        let counts = |record: &ReviewRecord| {
            let target = record.target.as_ref();
            let is_of_then = target.is_some_and(|target| target.reference.hash == earlier.hash);
            is_of_then
                && corpus.journals().reviews().is_active(record)
                && corpus.may_see(record).unwrap_or(false)
        };
        let differences = texts
            .find(&earlier.hash, limit)
            .and_then(|json| corpus.differences_since(record, &json).ok());
        SourceChange {
            records: of_target.iter().filter(|r| counts(r)).cloned().collect(),
            differences,
            edits: edits(subject, &earlier.review),
            earlier: earlier.clone(),
        }
    };
    subject.review().earlier.iter().map(change).collect()
}

fn edits(subject: &Subject, review: &Review) -> Vec<EarlierEdit> {
    let edits = review.changes.iter().filter_map(|change| {
        let ChangeKind::Edit(edit) = &change.kind else {
            return None;
        };
        Some(EarlierEdit {
            record: change.record,
            annotator: change.annotator.to_string(),
            step: change.step,
            edit: edit.clone(),
            present: present_text(subject, change.step, edit),
        })
    });
    edits.collect()
}

/// The text of an edit's field as it is now; empty where it is gone.
fn present_text(subject: &Subject, step: Option<StepKey>, edit: &Edit) -> String {
    let current = &subject.current;
    match (edit.side, &current.content.trajectory) {
        (Some(side), _) => {
            let swapped = subject.review().swapped;
            subject.pair().map_or(String::new(), |pair| {
                let candidate = match (side, swapped) {
                    (Side::Chosen, false) | (Side::Rejected, true) => &pair.chosen,
                    _ => &pair.rejected,
                };
                candidate_text(candidate, edit.field).into_owned()
            })
        }
        (None, Some(trajectory)) if edit.field.is_of_step() => {
            let place = current
                .steps
                .iter()
                .position(|known| Some(known.key) == step);
            let step = place.and_then(|place| trajectory.steps.get(place));
            step.map_or(String::new(), |step| {
                step_text(step, edit.field).into_owned()
            })
        }
        (None, Some(trajectory)) => trajectory_text(trajectory, edit.field).to_owned(),
        (None, None) => subject
            .pair()
            .map_or(String::new(), |pair| pair.context.task.text.clone()),
    }
}

impl SourceChange {
    /// For programs; names are stable.
    pub fn json(&self, shown: &Shown<'_>) -> Value {
        let edits = self.edits.iter().map(|edit| {
            json!({
                "record": edit.record,
                "annotator": edit.annotator,
                "step": edit.step.map(|step| step.to_string()),
                "field": edit.edit.field,
                "side": edit.edit.side,
                "text": edit.edit.text,
                "present": edit.present,
            })
        });
        let review = &self.earlier.review;
        json!({
            "hash": self.earlier.hash.to_string(),
            "review": review_json(review, review.state(), shown),
            "differences": self.differences,
            "edits": edits.collect::<Vec<_>>(),
        })
    }
}

impl Page<'_> {
    /// Says that a source changed under its review: what was decided then, and what is another now.
    pub fn source_change(&mut self, change: &SourceChange) -> Result<(), Report> {
        let hash = change.earlier.hash.to_string();
        self.output.line("")?;
        self.output.styled(Style::Bad, "Source changed")?;
        let was = hash.get(..16).unwrap_or(&hash);
        self.output.styled(Style::Dim, format!("  it was {was}"))?;
        self.output.line("")?;
        self.output.data(
            "What was decided then does not count until somebody decides it again:",
            INDENT,
        )?;
        for record in &change.records {
            self.output.text("    ")?;
            self.output.styled(Style::Bold, &record.annotator)?;
            self.output.text(" ")?;
            self.output.data_line(&words(record), &[])?;
            self.output.line("")?;
        }
        match &change.differences {
            Some(differences) => {
                for difference in differences {
                    self.difference(difference)?;
                }
            }
            None => self.output.data("What it was is not kept here.", INDENT)?,
        }
        for edit in &change.edits {
            self.earlier_edit(edit)?;
        }
        Ok(())
    }

    fn difference(&mut self, difference: &FieldDifference) -> Result<(), Report> {
        let place = match (difference.step_before, difference.step) {
            (Some(before), Some(now)) if before != now => format!("step {now} (it was {before}), "),
            (_, Some(now)) => format!("step {now}, "),
            (Some(before), None) => format!("step {before} as it was, "),
            (None, None) => String::new(),
        };
        let pair = difference.pair.as_deref();
        let pair = pair.map_or(String::new(), |part| format!("pair {part}, "));
        self.output.text(INDENT)?;
        let title = format!("{pair}{place}{}", difference.field);
        self.output.styled(Style::Bold, title)?;
        self.output.line("")?;
        line_difference::print(&difference.before, &difference.after, "    ", self.output)
    }

    fn earlier_edit(&mut self, earlier: &EarlierEdit) -> Result<(), Report> {
        let field = earlier.edit.field.name();
        let step = earlier.step;
        let of_step = step.map_or(String::new(), |step| format!(" of {}", step_words(step)));
        self.output.text(INDENT)?;
        let by = &earlier.annotator;
        let title = format!("{field}{of_step} as {by} had edited it, beside what it is now");
        self.output.styled(Style::Bold, title)?;
        self.output.line("")?;
        let (present, text) = (&earlier.present, &earlier.edit.text);
        line_difference::print(present, text, "    ", self.output)
    }
}
