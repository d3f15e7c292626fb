//! What of a record is searched, and under which field.

use std::collections::BTreeSet;

use crate::domain::{
    Action, Candidate, Content, ContentHash, Outcome, PreferencePair, Provenance, ReviewState,
    Role, Step, TargetId, Trajectory,
};
use crate::index::{DocumentKind, IndexDocument, IndexStoreWriter, RecordKey};
use crate::rules::Flag;

use super::review_facts::{Remarks, ReviewFacts};

/// What the documents of one record are made of, besides its content.
#[derive(Clone, Copy)]
pub struct DocumentContext<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The record's id and where it is.
    pub target: &'a TargetId,
    /// Its row.
    pub key: RecordKey,
    /// Its hash.
    pub hash: &'a ContentHash,
    /// The tools that each step calls, in order.
    pub tools: &'a [Vec<String>],
    /// What the rules found.
    pub flags: &'a [Flag],
    /// What the benchmark's scorer says, for runs.
    pub outcome: Option<Outcome>,
    /// What people decided.
    pub review: &'a ReviewFacts,
    /// What the last replay said of each step; empty if it was of other content.
    pub replays: &'a [String],
}

/// The documents of a record: its trajectory with its steps, and its pairs. `pairs` has a review for each pair, or none
/// for all.
pub fn record_documents<'w>(
    writer: &'w IndexStoreWriter<'_>,
    content: &Content,
    pair_tools: &[Vec<String>],
    pair_reviews: &[ReviewFacts],
    context: &DocumentContext<'_>,
) -> Vec<IndexDocument<'w>> {
    let mut documents = Vec::new();
    if let Some(trajectory) = &content.trajectory {
        documents = trajectory_documents(writer, trajectory, context);
    }
    for (number, pair) in content.pairs.iter().enumerate() {
        let tools = pair_tools.get(number).map_or(&[][..], Vec::as_slice);
        let context = DocumentContext {
            review: pair_reviews.get(number).unwrap_or(context.review),
            ..*context
        };
        documents.push(pair_document(writer, pair, tools, &context));
    }
    documents
}

/// The documents of a trajectory: one for itself, one for each step.
fn trajectory_documents<'w>(
    writer: &'w IndexStoreWriter<'_>,
    trajectory: &Trajectory,
    context: &DocumentContext<'_>,
) -> Vec<IndexDocument<'w>> {
    let mut documents = Vec::with_capacity(trajectory.steps.len() + 1);
    let mut whole = start(writer, DocumentKind::Trajectory, trajectory, context);
    let mut tools = BTreeSet::new();
    let mut has = BTreeSet::new();
    let mut bytes = trajectory.task.text.len();
    for (n, step) in trajectory.steps.iter().enumerate() {
        let called = context.tools.get(n).map_or(&[] as &[String], Vec::as_slice);
        let mut document = start(writer, DocumentKind::Step, trajectory, context);
        let mut own = StepFacts::default();
        step_text(&mut document, step, called, &mut own);
        document.number("step", n as u64 + 1);
        document.number("bytes", own.bytes as u64);
        own.write(&mut document);
        for flag in context.flags.iter().filter(|f| f.step == Some(n + 1)) {
            document.keyword("flag", flag.rule);
        }
        if let Some(verdict) = context.replays.get(n) {
            document.keyword("replay", verdict);
            whole.keyword("replay", verdict);
        }
        if let Some(said) = context.review.step(n) {
            remarks(&mut document, said);
        }
        documents.push(document);

        whole.number("step", n as u64 + 1);
        let mut all = StepFacts::default();
        step_text(&mut whole, step, called, &mut all);
        bytes += all.bytes;
        tools.append(&mut all.tools);
        has.append(&mut all.has);
    }
    let facts = StepFacts { tools, has, bytes };
    facts.write(&mut whole);
    remarks(&mut whole, &context.review.all());
    whole.number("bytes", bytes as u64);
    let flags: BTreeSet<&str> = context.flags.iter().map(|flag| flag.rule).collect();
    flags
        .into_iter()
        .for_each(|flag| whole.keyword("flag", flag));
    documents.push(whole);
    documents
}

/// What a step adds to the facets of its documents.
#[derive(Default)]
struct StepFacts {
    tools: BTreeSet<String>,
    has: BTreeSet<&'static str>,
    bytes: usize,
}

impl StepFacts {
    fn write(&self, document: &mut IndexDocument<'_>) {
        self.tools
            .iter()
            .for_each(|tool| document.keyword("tool", tool));
        self.has
            .iter()
            .for_each(|what| document.keyword("has", what));
        if self.has.contains("error") {
            document.keyword("is", "error");
        }
    }
}

/// A document with everything that holds for the whole trajectory.
fn start<'w>(
    writer: &'w IndexStoreWriter<'_>,
    kind: DocumentKind,
    trajectory: &Trajectory,
    context: &DocumentContext<'_>,
) -> IndexDocument<'w> {
    let mut document = writer.document(kind);
    common(&mut document, &trajectory.provenance, context);
    document.text("task", &trajectory.task.text);
    document.number("steps", trajectory.steps.len() as u64);
    if let Some(answer) = &trajectory.answer {
        document.text("answer", answer);
        document.keyword("has", "answer");
    }
    if let Some(reference) = &trajectory.reference_answer {
        document.text("answer", &reference.summary());
        document.keyword("has", "reference");
    }
    if let Some(verification) = &trajectory.verification {
        document.keyword("verdict", verification.verdict.name());
        if let (Some(reason), DocumentKind::Trajectory) = (&verification.reason, kind) {
            document.text("reason", reason);
        }
    }
    let attachments = &trajectory.task.attachments;
    if !attachments.is_empty() {
        document.keyword("has", "attachment");
    }
    let types: BTreeSet<String> = attachments.iter().filter_map(|a| a.file_type()).collect();
    types
        .iter()
        .for_each(|file_type| document.keyword("type", file_type));
    if trajectory.has_pictures() {
        document.keyword("has", "image");
    }
    let shown = attachments
        .iter()
        .filter(|a| a.reference.is_picture())
        .count();
    document.number("pictures", shown as u64);
    document
}

fn common(
    document: &mut IndexDocument<'_>,
    provenance: &Provenance,
    context: &DocumentContext<'_>,
) {
    document.identify(
        context.key,
        &context.target.record.to_string(),
        context.hash,
    );
    document.keyword("source", context.source);
    document.keyword("format", &provenance.format);
    review(document, context.review);
    let role = match provenance.role {
        Role::Data => "data",
        Role::Gold => "gold",
        Role::Run => "run",
    };
    document.keyword("role", role);
    if provenance.role != Role::Data {
        document.keyword("is", role);
    }
    if let Some(benchmark) = provenance.benchmark {
        document.keyword("benchmark", benchmark.name());
    }
    if let Some(key) = &provenance.task_key {
        document.keyword("task_key", key);
    }
    if provenance.role == Role::Run {
        document.keyword("run", provenance.run.as_deref().unwrap_or(context.source));
    }
    if let Some(model) = &provenance.model {
        document.keyword("model", model);
    }
    if let Some(level) = provenance.level {
        document.number("level", u64::from(level));
    }
    if let Some(outcome) = context.outcome {
        document.keyword("outcome", outcome.name());
    }
}

/// What people decided about the whole; `remarks` of its steps come with these.
fn review(document: &mut IndexDocument<'_>, review: &ReviewFacts) {
    document.keyword("review", review.state.name());
    document.keyword("is", review.state.name());
    // Others disagree, and this annotator has not decided: to them it is both.
    let is_open = review.state == ReviewState::Disputed && review.verdicts.is_empty();
    if is_open {
        document.keyword("is", ReviewState::Unreviewed.name());
    } else if review.state != ReviewState::Unreviewed {
        document.keyword("is", "reviewed");
    }
    if review.is_source_changed {
        document.keyword("is", "source-changed");
    }
    review
        .verdicts
        .iter()
        .for_each(|verdict| document.keyword("verdict", verdict));
    review
        .tags
        .iter()
        .for_each(|tag| document.keyword("tag", tag));
}

fn remarks(document: &mut IndexDocument<'_>, remarks: &Remarks) {
    remarks
        .labels
        .iter()
        .for_each(|label| document.keyword("label", label));
    for (field, texts) in remarks.texts() {
        texts.iter().for_each(|text| document.text(field, text));
    }
    if remarks.is_edited {
        document.keyword("has", "edit");
    }
    if remarks.is_stale {
        document.keyword("is", "stale");
    }
}

fn step_text(
    document: &mut IndexDocument<'_>,
    step: &Step,
    tools: &[String],
    facts: &mut StepFacts,
) {
    part_text(
        document,
        step.thought.as_deref(),
        step.action.as_ref(),
        step.observation.as_ref().map(|o| o.text.as_str()),
        facts,
    );
    facts.tools.extend(tools.iter().cloned());
    if step.is_error() {
        facts.has.insert("error");
    }
    if !step.pictures.is_empty()
        || step
            .observation
            .as_ref()
            .is_some_and(|o| !o.pictures.is_empty())
    {
        facts.has.insert("image");
    }
    if !step.candidates.is_empty() {
        facts.has.insert("candidates");
    }
    if let Some(reason) = &step.choice_reason {
        document.text("reason", reason);
    }
    for (n, candidate) in step.candidates.iter().enumerate() {
        // The chosen one is the step itself.
        if step.chosen != Some(n) {
            candidate_text(document, candidate, facts);
        }
    }
}

fn candidate_text(document: &mut IndexDocument<'_>, candidate: &Candidate, facts: &mut StepFacts) {
    part_text(
        document,
        candidate.thought.as_deref(),
        candidate.action.as_ref(),
        candidate.observation.as_ref().map(|o| o.text.as_str()),
        facts,
    );
}

fn part_text(
    document: &mut IndexDocument<'_>,
    thought: Option<&str>,
    action: Option<&Action>,
    observation: Option<&str>,
    facts: &mut StepFacts,
) {
    if let Some(thought) = thought {
        document.text("thought", thought);
        facts.has.insert("thought");
        facts.bytes += thought.len();
    }
    match action {
        Some(Action::Code(code)) => {
            document.text("code", code);
            facts.has.insert("code");
            facts.bytes += code.len();
        }
        Some(Action::ToolCalls(calls)) => {
            for call in calls {
                let text = call_text(&call.name, &call.arguments);
                document.text("code", &text);
                facts.bytes += text.len();
            }
            facts.has.insert("code");
        }
        Some(Action::Message(message)) => {
            document.text("thought", message);
            facts.bytes += message.len();
        }
        None => {}
    }
    if let Some(observation) = observation {
        document.text("observation", observation);
        facts.has.insert("observation");
        facts.bytes += observation.len();
    }
}

/// How a structured call reads in a search, a snippet and on screen: `OCR(image="a.jpg")`.
pub fn call_text(name: &str, arguments: &serde_json::Value) -> String {
    match arguments {
        serde_json::Value::Object(map) => {
            let arguments: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            format!("{name}({})", arguments.join(", "))
        }
        serde_json::Value::Null => format!("{name}()"),
        serde_json::Value::String(text) => format!("{name}({text})"),
        other => format!("{name}({other})"),
    }
}

/// The document of a pair: its task and both candidates; the steps before are searched where they are the trajectory's.
fn pair_document<'w>(
    writer: &'w IndexStoreWriter<'_>,
    pair: &PreferencePair,
    tools: &[String],
    context: &DocumentContext<'_>,
) -> IndexDocument<'w> {
    let mut document = writer.document(DocumentKind::Pair);
    common(&mut document, &pair.provenance, context);
    remarks(&mut document, &context.review.all());
    document.keyword("is", "pair");
    document.keyword("has", "candidates");
    if let Some(part) = &pair.part {
        document.keyword("part", part);
    }
    let task = &pair.context.task;
    document.text("task", &task.text);
    document.number("step", pair.step_number() as u64);
    document.number("steps", pair.step_number() as u64);
    let mut facts = StepFacts {
        bytes: task.text.len(),
        tools: tools.iter().cloned().collect(),
        ..StepFacts::default()
    };
    for candidate in [&pair.chosen, &pair.rejected] {
        candidate_text(&mut document, candidate, &mut facts);
        if candidate.observation.as_ref().is_some_and(|o| o.is_error) {
            facts.has.insert("error");
        }
    }
    if let Some(reason) = &pair.reason {
        document.text("reason", reason);
    }
    let types: BTreeSet<String> = task
        .attachments
        .iter()
        .filter_map(|a| a.file_type())
        .collect();
    types
        .iter()
        .for_each(|file_type| document.keyword("type", file_type));
    let shown = task
        .attachments
        .iter()
        .filter(|a| a.reference.is_picture())
        .count();
    document.number("pictures", shown as u64);
    if shown > 0 {
        document.keyword("has", "image");
    }
    document.number("bytes", facts.bytes as u64);
    facts.write(&mut document);
    document
}
