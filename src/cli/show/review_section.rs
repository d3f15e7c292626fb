//! What people decided, on the page of a trajectory or pair.

use crate::cli::output::Style;
use crate::corpus::{Current, CurrentPair, opinion_name};
use crate::domain::ReviewState;
use crate::domain::review::words::{label_words, mentioned, step_words, why_words, words};
use crate::domain::review::{
    Conflict, EditedStep, Judgement, Note, Opinion, Rejection, Review, Staleness, StepKey,
};
use crate::report::Report;

use super::Shown;
use super::page::{INDENT, Page};

/// What is to be said of a step besides its content, in one line; empty where nothing is.
pub fn step_marks(current: &Current, step: &EditedStep) -> String {
    let review = &current.review;
    let mut marks = Vec::new();
    match step.key {
        StepKey::Added(_) => marks.push("added".to_owned()),
        StepKey::Source(_) if step.is_edited => marks.push("edited".to_owned()),
        StepKey::Source(_) => {}
    }
    match step.stale {
        Some(Staleness::Observation) => marks.push("stale observation".to_owned()),
        Some(Staleness::Step) => marks.push("stale".to_owned()),
        None => {}
    }
    for (annotator, label) in review.labels.get(&step.key).into_iter().flatten() {
        let value = label_words(label.value());
        marks.push(format!("label {value} ({annotator})"));
    }
    for (annotator, key) in &review.first_wrong_steps {
        if *key == step.key {
            marks.push(format!("first wrong step ({annotator})"));
        }
    }
    marks.join(", ")
}

fn style_of(state: ReviewState) -> Style {
    match state {
        ReviewState::Accepted => Style::Good,
        ReviewState::Rejected | ReviewState::Disputed => Style::Bad,
        ReviewState::Unreviewed | ReviewState::Tie => Style::Dim,
    }
}

/// The number of a step as it is shown, else its name.
fn place(steps: &[EditedStep], key: StepKey) -> String {
    match steps.iter().position(|step| step.key == key) {
        Some(at) => format!("step {}", at + 1),
        None => format!("{}, which is gone", step_words(key)),
    }
}

impl Page<'_> {
    /// The state of a review behind an id.
    pub fn state(&mut self, state: ReviewState) -> Result<(), Report> {
        if state == ReviewState::Unreviewed {
            return Ok(());
        }
        self.output.text("  ")?;
        self.output.styled(style_of(state), state.name())
    }

    /// What people decided about a trajectory or pair.
    pub fn review(
        &mut self,
        review: &Review,
        state: ReviewState,
        steps: &[EditedStep],
    ) -> Result<(), Report> {
        let says_nothing = review.verdicts.is_empty()
            && review.adjudication.is_none()
            && review.tags.is_empty()
            && review.notes.is_empty()
            && review.assignments.is_empty()
            && !review.swapped;
        if says_nothing && state == ReviewState::Unreviewed {
            return Ok(());
        }
        self.output.line("")?;
        self.output.styled(Style::Bold, "Review ")?;
        self.output.styled(style_of(state), state.name())?;
        self.output.line("")?;
        for (annotator, verdict) in &review.verdicts {
            let style = match verdict.opinion {
                Opinion::Accept => Style::Good,
                Opinion::Reject => Style::Bad,
                Opinion::Tie => Style::Dim,
            };
            let of_other_side = match verdict.swapped == review.swapped {
                true => "",
                false => " the pair with its sides exchanged",
            };
            let said = format!("{}{of_other_side}", opinion_name(verdict.opinion));
            self.said(annotator, style, &said, &verdict.why)?;
        }
        if let Some((annotator, adjudication)) = &review.adjudication {
            let (style, verdict) = match adjudication.verdict {
                Judgement::Accept => (Style::Good, "adjudicated: accepted"),
                Judgement::Reject => (Style::Bad, "adjudicated: rejected"),
                Judgement::Tie => (Style::Dim, "adjudicated: equally good"),
            };
            self.said(annotator, style, verdict, &adjudication.why)?;
        }
        if !review.objections.is_empty() {
            let who: Vec<&str> = review.objections.iter().map(AsRef::as_ref).collect();
            let told = format!("it holds, although {} disagreed since", who.join(", "));
            self.output.data(&told, INDENT)?;
        }
        if state == ReviewState::Disputed && review.verdicts.is_empty() {
            let hidden = "others disagree; who says what is shown when you have given your verdict";
            self.output.data(hidden, INDENT)?;
        }
        if review.swapped {
            self.output
                .data("chosen and rejected are exchanged", INDENT)?;
        }
        if !review.tags.is_empty() {
            let tags: Vec<&str> = review.tags.keys().map(String::as_str).collect();
            self.entry("tags", &tags.join(", "))?;
        }
        for (queue, annotators) in &review.assignments {
            let queue = match queue.as_str() {
                "" => "assigned".to_owned(),
                queue => format!("queue {queue}"),
            };
            self.entry(&queue, &annotators.join(", "))?;
        }
        for note in &review.notes {
            self.note(note, steps)?;
        }
        Ok(())
    }

    /// A verdict, with its reasons; a longer text stands below it.
    fn said(
        &mut self,
        annotator: &str,
        style: Style,
        verdict: &str,
        why: &Rejection,
    ) -> Result<(), Report> {
        let is_short = mentioned(&why.text) == why.text;
        let reasons = Rejection {
            reasons: why.reasons.clone(),
            text: String::new(),
        };
        self.output.text(INDENT)?;
        self.output.styled(Style::Bold, annotator)?;
        self.output.text(" ")?;
        self.output.styled(style, verdict)?;
        let beside = why_words(if is_short { why } else { &reasons });
        self.output.data_line(&beside, &[])?;
        self.output.line("")?;
        match is_short {
            true => Ok(()),
            false => self.output.data(&why.text, "    "),
        }
    }

    fn entry(&mut self, name: &str, text: &str) -> Result<(), Report> {
        self.output.text(INDENT)?;
        self.output.styled(Style::Dim, name)?;
        self.output.text(" ")?;
        self.output.data_line(text, &[])?;
        self.output.line("")
    }

    fn note(&mut self, note: &Note, steps: &[EditedStep]) -> Result<(), Report> {
        self.output.text(INDENT)?;
        self.output.styled(Style::Dim, "note ")?;
        self.output.styled(Style::Bold, &note.annotator)?;
        if let Some(step) = note.step {
            let place = place(steps, step);
            self.output.styled(Style::Dim, format!(" on {place}"))?;
        }
        self.output.styled(Style::Dim, format!("  {}", note.id))?;
        self.output.line("")?;
        self.output.data(&note.text, "    ")
    }

    /// Pairs that people made of a trajectory's steps.
    pub fn made_pairs(&mut self, shown: &Shown<'_>) -> Result<(), Report> {
        let pairs = shown.pairs();
        let made = pairs.iter().filter(|(_, about)| about.is_created);
        let made: Vec<&CurrentPair> = made.map(|(_, about)| *about).collect();
        for about in made {
            self.output.styled(Style::Dim, "pair ")?;
            self.output.styled(Style::Id, &about.target)?;
            self.state(about.state)?;
            self.output.line("")?;
        }
        for lost in &shown.current.lost_pairs {
            self.line(Style::Bad, "lost pair", lost)?;
        }
        Ok(())
    }

    /// Changes that did not meet what they were made for.
    pub fn conflicts(&mut self, shown: &Shown<'_>) -> Result<(), Report> {
        for conflict in &shown.current.conflicts {
            let text = conflict_words(shown, conflict);
            self.line(Style::Bad, "conflict", &text)?;
        }
        Ok(())
    }
}

fn conflict_words(shown: &Shown<'_>, conflict: &Conflict) -> String {
    let journals = shown.corpus.journals();
    let record = journals.reviews().record(conflict.record);
    let said = record.map_or(String::new(), |record| {
        format!("{} {}: ", record.annotator, words(record))
    });
    let fate = match conflict.reason.is_applied() {
        true => "it holds nevertheless",
        false => "it is left out",
    };
    format!("{said}{}; {fate}", conflict.reason)
}
