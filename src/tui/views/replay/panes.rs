//! The texts of one place of a trajectory, as panes that fold and scroll.

use std::ops::Range;

use ratatui::text::{Line, Span};

use crate::corpus::Inspection;
use crate::domain::review::{Field, Staleness};
use crate::domain::{Candidate, Step, Trajectory};
use crate::rules::{Flag, Place};
use crate::tui::theme::Paint;
use crate::tui::views::record_lines::{
    Writer, flag_lines, flag_style, gold_lines, label_mark, outcome_paint, run_lines, verdict_paint,
};

/// What a pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the titles say it
pub enum PaneKind {
    Task,
    Files,
    Thought,
    Code,
    Observation,
    RunAgain,
    Variables,
    Candidates,
    Flags,
    Notes,
    Answer,
    Reference,
    Gold,
    Runs,
    Verification,
    Review,
}

impl PaneKind {
    /// What stands above it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Files => "Files",
            Self::Thought => "Thought",
            Self::Code => "Code",
            Self::Observation => "Observation",
            Self::RunAgain => "Run again",
            Self::Variables => "Variables",
            Self::Candidates => "Candidates",
            Self::Flags => "Flags",
            Self::Notes => "Notes",
            Self::Answer => "Answer",
            Self::Reference => "Reference answer",
            Self::Gold => "Gold",
            Self::Runs => "Runs",
            Self::Verification => "Verification",
            Self::Review => "Review",
        }
    }

    /// The field that an edit of it changes.
    pub fn field(self) -> Option<Field> {
        match self {
            Self::Task => Some(Field::Task),
            Self::Thought => Some(Field::Thought),
            Self::Code => Some(Field::Code),
            Self::Observation => Some(Field::Observation),
            Self::Answer => Some(Field::Answer),
            _ => None,
        }
    }
}

/// A pane's content for a width.
#[derive(Debug, Clone)]
pub struct PaneLines {
    /// What it is.
    pub kind: PaneKind,
    /// What is to be said beside the title.
    pub marks: Vec<(String, Paint)>,
    /// The text.
    pub lines: Vec<Line<'static>>,
}

fn pane(kind: PaneKind, lines: Vec<Line<'static>>) -> PaneLines {
    PaneLines {
        kind,
        marks: Vec::new(),
        lines,
    }
}

/// The panes of a place: 0 is the task, then the steps, behind the last one the end. What the flags point at is painted.
pub fn panes(
    record: &Inspection,
    flags: &[Flag],
    entry: usize,
    writer: &Writer<'_>,
) -> Vec<PaneLines> {
    let Some(trajectory) = &record.current.content.trajectory else {
        return Vec::new();
    };
    if entry == 0 {
        return task_panes(record, flags, trajectory, writer);
    }
    match trajectory.steps.get(entry - 1) {
        Some(step) => step_panes(record, flags, entry, step, writer),
        None => end_panes(record, flags, trajectory, writer),
    }
}

/// The bytes of a part that flags point at.
fn ranges(flags: &[Flag], step: Option<usize>, field: Place) -> Vec<Range<usize>> {
    let here = flags
        .iter()
        .filter(|flag| flag.step == step && flag.field == field);
    here.filter_map(|flag| flag.range.clone()).collect()
}

/// Says beside the title that a flag is about all of a part.
fn mark_flagged(pane: &mut PaneLines, flags: &[Flag], step: Option<usize>, field: Place) {
    let is_about = |flag: &&Flag| flag.step == step && flag.field == field && flag.range.is_none();
    for flag in flags.iter().filter(is_about) {
        pane.marks
            .push((format!("⚑ {}", flag.rule), Paint::Warning));
    }
}

fn task_panes(
    record: &Inspection,
    flags: &[Flag],
    trajectory: &Trajectory,
    writer: &Writer<'_>,
) -> Vec<PaneLines> {
    let text = &trajectory.task.text;
    let flagged = ranges(flags, None, Place::Task);
    let mut task = pane(
        PaneKind::Task,
        writer.flagged_text("task", text, Paint::Text, &flagged),
    );
    mark_flagged(&mut task, flags, None, Place::Task);
    let mut panes = vec![task];
    let files: Vec<Line<'static>> = trajectory
        .task
        .attachments
        .iter()
        .enumerate()
        .map(|(number, attachment)| {
            let is_flagged = flags
                .iter()
                .any(|flag| flag.field == Place::Attachment(number));
            let style = match is_flagged {
                true => flag_style(writer.theme),
                false => writer.theme.style(Paint::Text),
            };
            let label = crate::domain::visible_line(attachment.reference.label()).into_owned();
            let shown = match attachment.shown {
                true => "  shown to the controller",
                false => "",
            };
            let caption = attachment
                .caption
                .as_deref()
                .map(crate::domain::visible_line);
            let caption = caption.map_or(String::new(), |caption| format!("  {caption}"));
            Line::from(vec![
                Span::styled(format!("▣ {label}"), style),
                Span::styled(format!("{shown}{caption}"), writer.theme.style(Paint::Dim)),
            ])
        })
        .collect();
    if !files.is_empty() {
        panes.push(pane(PaneKind::Files, files));
    }
    panes.extend(flags_pane(record, None, writer));
    if let Some(gold) = &record.gold {
        panes.push(pane(PaneKind::Gold, gold_lines(gold, writer)));
    }
    if !record.runs.is_empty() {
        panes.push(pane(PaneKind::Runs, run_lines(&record.runs, writer)));
    }
    panes.extend(notes_pane(record, None, writer));
    panes
}

fn step_panes(
    record: &Inspection,
    flags: &[Flag],
    entry: usize,
    step: &Step,
    writer: &Writer<'_>,
) -> Vec<PaneLines> {
    let about = record.current.steps.get(entry - 1);
    let stale = about.and_then(|about| about.stale);
    let stale_mark = |pane: &mut PaneLines| pane.marks.push(("stale".to_owned(), Paint::Stale));
    let tools = record
        .tools
        .get(entry - 1)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut panes = Vec::new();
    if let Some(thought) = &step.thought {
        let flagged = ranges(flags, Some(entry), Place::Thought);
        let mut thought = pane(
            PaneKind::Thought,
            writer.flagged_text("thought", thought, Paint::Text, &flagged),
        );
        mark_flagged(&mut thought, flags, Some(entry), Place::Thought);
        if stale == Some(Staleness::Step) {
            stale_mark(&mut thought);
        }
        panes.push(thought);
    }
    if let Some(action) = &step.action {
        let here: Vec<&Flag> = flags
            .iter()
            .filter(|flag| flag.step == Some(entry))
            .collect();
        let mut code = pane(PaneKind::Code, writer.flagged_action(action, tools, &here));
        mark_flagged(&mut code, flags, Some(entry), Place::Code);
        if stale == Some(Staleness::Step) {
            stale_mark(&mut code);
        }
        if !tools.is_empty() {
            code.marks.push((tools.join(" "), Paint::Tool));
        }
        panes.push(code);
    } else if let Some(reply) = &step.reply {
        let mut code = pane(PaneKind::Code, writer.text("thought", reply, Paint::Text));
        code.marks
            .push(("no action could be parsed".to_owned(), Paint::Bad));
        panes.push(code);
    }
    if let Some(observation) = &step.observation {
        let paint = match observation.is_error {
            true => Paint::Bad,
            false => Paint::Text,
        };
        let flagged = ranges(flags, Some(entry), Place::Observation);
        let mut text = pane(
            PaneKind::Observation,
            writer.flagged_text("observation", &observation.text, paint, &flagged),
        );
        mark_flagged(&mut text, flags, Some(entry), Place::Observation);
        if stale.is_some() {
            stale_mark(&mut text);
        }
        if observation.is_error {
            text.marks.push(("error".to_owned(), Paint::Bad));
        }
        panes.push(text);
    }
    panes.extend(flags_pane(record, Some(entry), writer));
    if !step.candidates.is_empty() {
        panes.push(candidates_pane(step, writer));
    }
    panes.extend(notes_pane(record, Some(entry), writer));
    panes
}

fn candidates_pane(step: &Step, writer: &Writer<'_>) -> PaneLines {
    let mut lines = Vec::new();
    for (number, candidate) in step.candidates.iter().enumerate() {
        let is_chosen = step.chosen == Some(number);
        let paint = if is_chosen {
            Paint::Good
        } else {
            Paint::Heading
        };
        let mut title = format!("Candidate {}", number + 1);
        if is_chosen {
            title.push_str(" (chosen: the step)");
        }
        if let Some(score) = candidate.score {
            title.push_str(&format!("  score {score}"));
        }
        lines.push(Line::styled(title, writer.theme.style(paint)));
        if !is_chosen {
            lines.extend(candidate_lines(candidate, writer));
        }
    }
    if let Some(reason) = &step.choice_reason {
        lines.push(Line::styled(
            "Why it was chosen",
            writer.theme.style(Paint::Heading),
        ));
        lines.extend(writer.text("reason", reason, Paint::Text));
    }
    pane(PaneKind::Candidates, lines)
}

/// Takes out what the candidates of a step tell: which became the step, their scores, and why.
pub fn hide_candidates(panes: &mut [PaneLines], writer: &Writer<'_>) {
    let said = "blind mode: not told before the vote on their pair";
    let candidates = panes
        .iter_mut()
        .filter(|pane| pane.kind == PaneKind::Candidates);
    for pane in candidates {
        pane.lines = vec![Line::styled(said, writer.theme.style(Paint::Dim))];
        pane.marks.clear();
    }
}

fn candidate_lines(candidate: &Candidate, writer: &Writer<'_>) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(thought) = &candidate.thought {
        lines.extend(writer.text("thought", thought, Paint::Text));
    }
    if let Some(action) = &candidate.action {
        lines.extend(writer.action(action, &[]));
    }
    if let Some(observation) = &candidate.observation {
        let paint = match observation.is_error {
            true => Paint::Bad,
            false => Paint::Dim,
        };
        lines.extend(writer.text("observation", &observation.text, paint));
    }
    lines
}

fn flags_pane(record: &Inspection, step: Option<usize>, writer: &Writer<'_>) -> Option<PaneLines> {
    let mut lines = Vec::new();
    for flag in record.flags.iter().filter(|flag| flag.step == step) {
        lines.extend(flag_lines(flag.rule, &flag.message, writer));
    }
    (!lines.is_empty()).then(|| pane(PaneKind::Flags, lines))
}

fn notes_pane(record: &Inspection, step: Option<usize>, writer: &Writer<'_>) -> Option<PaneLines> {
    let key = step
        .and_then(|step| record.current.steps.get(step - 1))
        .map(|about| about.key);
    let mut lines = Vec::new();
    for note in record
        .current
        .review
        .notes
        .iter()
        .filter(|note| note.step == key)
    {
        let text = format!("{}: {}", note.annotator, note.text);
        lines.extend(writer.text("note", &text, Paint::Edited));
    }
    (!lines.is_empty()).then(|| pane(PaneKind::Notes, lines))
}

fn end_panes(
    record: &Inspection,
    flags: &[Flag],
    trajectory: &Trajectory,
    writer: &Writer<'_>,
) -> Vec<PaneLines> {
    let mut panes = Vec::new();
    if let Some(answer) = &trajectory.answer {
        let flagged = ranges(flags, None, Place::Answer);
        let mut answer = pane(
            PaneKind::Answer,
            writer.flagged_text("answer", answer, Paint::Text, &flagged),
        );
        mark_flagged(&mut answer, flags, None, Place::Answer);
        if let Some(outcome) = record.outcome {
            answer.marks.push((
                format!("outcome {}", outcome.name()),
                outcome_paint(outcome),
            ));
        }
        panes.push(answer);
    }
    if let Some(reference) = &record.reference {
        panes.push(pane(
            PaneKind::Reference,
            writer.text("answer", &reference.summary(), Paint::Text),
        ));
    }
    if let Some(gold) = &record.gold {
        panes.push(pane(PaneKind::Gold, gold_lines(gold, writer)));
    }
    if let Some(verification) = &trajectory.verification {
        let verdict = verification.verdict;
        let reason = verification.reason.as_deref().unwrap_or_default();
        let mut pane = pane(
            PaneKind::Verification,
            writer.text("reason", reason, Paint::Text),
        );
        pane.marks
            .push((verdict.name().to_owned(), verdict_paint(verdict)));
        panes.push(pane);
    }
    let review = review_lines(record, writer);
    if !review.is_empty() {
        panes.push(pane(PaneKind::Review, review));
    }
    panes
}

/// What people decided about the whole, a line each.
fn review_lines(record: &Inspection, writer: &Writer<'_>) -> Vec<Line<'static>> {
    let review = &record.current.review;
    let mut lines = Vec::new();
    for (annotator, verdict) in &review.verdicts {
        use crate::domain::review::Opinion;
        let (word, paint) = match verdict.opinion {
            Opinion::Accept => ("accepted", Paint::Good),
            Opinion::Reject => ("rejected", Paint::Bad),
            Opinion::Tie => ("equally good", Paint::Accent),
        };
        let mut text = format!("{annotator}: {word}");
        if !verdict.why.reasons.is_empty() {
            text.push_str(&format!(" ({})", verdict.why.reasons.join(", ")));
        }
        if !verdict.why.text.is_empty() {
            text.push_str(&format!(" “{}”", verdict.why.text));
        }
        lines.extend(writer.text("reason", &text, paint));
    }
    if let Some((annotator, adjudication)) = &review.adjudication {
        let text = format!("{annotator} adjudicated: {}", adjudication.verdict.name());
        lines.extend(writer.text("reason", &text, Paint::Accent));
    }
    for (key, labels) in &review.labels {
        let place = record
            .current
            .steps
            .iter()
            .position(|step| step.key == *key);
        let Some(place) = place else { continue };
        for (annotator, label) in labels {
            let (value, paint) = label_mark(label.value());
            let text = format!("{annotator}: step {} is {value}", place + 1);
            lines.extend(writer.text("label", &text, paint));
        }
    }
    if !review.tags.is_empty() {
        let tags: Vec<&str> = review.tags.keys().map(String::as_str).collect();
        lines.extend(writer.text("tag", &format!("tags: {}", tags.join(", ")), Paint::Accent));
    }
    for (queue, annotators) in &review.assignments {
        let text = format!("queue {queue}: {}", annotators.join(", "));
        lines.extend(writer.text("queue", &text, Paint::Dim));
    }
    for conflict in &record.current.conflicts {
        lines.extend(writer.text(
            "edit",
            &format!("conflict: {}", conflict.reason),
            Paint::Bad,
        ));
    }
    for lost in &record.current.lost_pairs {
        lines.extend(writer.text("edit", &format!("lost pair: {lost}"), Paint::Bad));
    }
    for earlier in &review.earlier {
        let hash = earlier.hash.to_string();
        let short = hash.get(..8).unwrap_or(&hash);
        let count = earlier.review.verdicts.len();
        let text = format!(
            "source changed: {count} verdicts were about {short}…; decide again (retake show says what differs)"
        );
        lines.extend(writer.text("reason", &text, Paint::Warning));
    }
    for problem in &record.record.content.problems {
        lines.extend(writer.text("reason", &format!("warning: {problem}"), Paint::Warning));
    }
    lines
}
