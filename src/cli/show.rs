use std::ops::RangeInclusive;

use clap::{Args, ValueEnum};

use crate::corpus::{Corpus, call_text};
use crate::domain::{
    Action, Candidate, Observation, PictureReference, PreferencePair, Record, Step, TargetId,
    Trajectory, Verdict,
};
use crate::media::{DecodeLimits, PictureRoots, load, size};
use crate::report::Report;
use crate::rules::Flag;

use super::Ended;
use super::output::{Output, Style};
use super::session::{Session, corpus_report};

/// Show a trajectory or a pair, with its pictures
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The id, as `retake search` prints it, or a content hash
    id: String,
    /// Only this step, from 1
    #[arg(long, value_name = "N")]
    step: Option<usize>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: ShowFormat,
    /// Name pictures, do not draw them
    #[arg(long)]
    no_images: bool,
    /// The system prompt, too
    #[arg(long)]
    system_prompt: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ShowFormat {
    /// For people
    #[default]
    Text,
    /// One object
    Json,
    /// The record as its source has it
    Raw,
}

pub(super) fn run(args: &ShowArgs, session: Session, output: &mut Output) -> Ended {
    let corpus = session.open(output)?;
    let target = TargetId::parse(&args.id);
    let record = corpus
        .find(&target)
        .map_err(|error| corpus_report(&error))?;
    let steps = steps_of(args, &record)?;
    if args.format == ShowFormat::Raw {
        output.json_text(&record.raw)?;
        return Ok(None);
    }
    let flags = corpus
        .flags(&record)
        .map_err(|error| corpus_report(&error))?;
    let pairs: Vec<&PreferencePair> = match &target.part {
        None => record.content.pairs.iter().collect(),
        Some(part) => {
            let pair = record
                .content
                .pairs
                .iter()
                .find(|p| p.part.as_ref() == Some(part));
            let known: Vec<&str> = record
                .content
                .pairs
                .iter()
                .filter_map(|p| p.part.as_deref())
                .collect();
            vec![pair.ok_or_else(|| {
                Report::failure(format!("{} has no pair `{part}`", record.id))
                    .hint(format!("pairs: {}", known.join(", ")))
            })?]
        }
    };
    if args.format == ShowFormat::Json {
        return json(&record, &flags, &pairs, steps, &target, output);
    }
    let mut page = Page {
        roots: corpus.roots(&record.id),
        limits: DecodeLimits {
            max_bytes: session.config.pictures.max_file_mb.saturating_mul(1 << 20),
            max_pixels: session
                .config
                .pictures
                .max_megapixels
                .saturating_mul(1_000_000),
            ..DecodeLimits::default()
        },
        draw: !args.no_images && output.is_terminal(),
        output,
    };
    match (&record.content.trajectory, target.part.is_some()) {
        (Some(trajectory), false) => {
            page.trajectory(
                &corpus,
                &record,
                trajectory,
                &flags,
                steps,
                args.system_prompt,
            )?;
        }
        _ => {
            for pair in pairs {
                page.pair(&record, pair, args.system_prompt)?;
            }
        }
    }
    for problem in &record.content.problems {
        page.line(Style::Bad, "warning", problem)?;
    }
    Ok(None)
}

/// Shows a pair; anything else is refused.
pub(super) fn pair(args: &ShowArgs, session: Session, output: &mut Output) -> Ended {
    run(args, session, output)
}

fn steps_of(args: &ShowArgs, record: &Record) -> Result<Option<RangeInclusive<usize>>, Report> {
    let Some(step) = args.step else {
        return Ok(None);
    };
    let count = record
        .content
        .trajectory
        .as_ref()
        .map_or(0, |t| t.steps.len());
    if (1..=count).contains(&step) {
        return Ok(Some(step..=step));
    }
    Err(
        Report::failure(format!("{} has no step {step}", record.id)).hint(match count {
            0 => "it has no steps".to_owned(),
            _ => format!("steps: 1 to {count}"),
        }),
    )
}

fn json(
    record: &Record,
    flags: &[Flag],
    pairs: &[&PreferencePair],
    steps: Option<RangeInclusive<usize>>,
    target: &TargetId,
    output: &mut Output,
) -> Ended {
    let trajectory = record
        .content
        .trajectory
        .as_ref()
        .filter(|_| target.part.is_none());
    let value = match (steps, trajectory) {
        (Some(range), Some(trajectory)) => {
            let at = *range.start();
            serde_json::json!({
                "id": record.id,
                "hash": record.hash.to_string(),
                "step": at,
                "content": trajectory.steps.get(at - 1),
                "flags": flags.iter().filter(|f| f.step == Some(at)).collect::<Vec<_>>(),
            })
        }
        _ => serde_json::json!({
            "id": TargetId {
                record: record.id.clone(),
                part: target.part.clone(),
            }
            .to_string(),
            "hash": record.hash.to_string(),
            "trajectory": trajectory,
            "pairs": pairs,
            "flags": flags,
            "problems": record.content.problems,
        }),
    };
    output.json(&value)?;
    Ok(None)
}

struct Page<'o> {
    roots: PictureRoots,
    limits: DecodeLimits,
    draw: bool,
    output: &'o mut Output,
}

const INDENT: &str = "  ";

impl Page<'_> {
    fn trajectory(
        &mut self,
        corpus: &Corpus,
        record: &Record,
        trajectory: &Trajectory,
        flags: &[Flag],
        steps: Option<RangeInclusive<usize>>,
        system_prompt: bool,
    ) -> Result<(), Report> {
        self.head(record, &trajectory.provenance.format)?;
        if system_prompt && let Some(prompt) = &trajectory.system_prompt {
            self.block("System prompt", prompt)?;
        }
        self.block("Task", &trajectory.task.text)?;
        if steps.is_none() {
            for attachment in &trajectory.task.attachments {
                self.picture(&attachment.reference)?;
            }
        }
        for (n, step) in trajectory.steps.iter().enumerate() {
            let number = n + 1;
            if steps.as_ref().is_none_or(|range| range.contains(&number)) {
                self.step(number, step, flags)?;
            }
        }
        if steps.is_some() {
            return Ok(());
        }
        if let Some(answer) = &trajectory.answer {
            self.block("Answer", answer)?;
        }
        let provenance = &trajectory.provenance;
        let gold = corpus.gold();
        let joined = provenance
            .benchmark
            .zip(provenance.task_key.as_deref())
            .and_then(|(benchmark, key)| gold.reference(benchmark, key));
        if let Some(reference) = trajectory.reference_answer.as_ref().or(joined) {
            self.block("Reference answer", &reference.summary())?;
        }
        if let Some(outcome) = corpus.outcome(trajectory) {
            self.line(Style::Bold, "Outcome", outcome.name())?;
        }
        if let Some(verification) = &trajectory.verification {
            let style = match verification.verdict {
                Verdict::Correct => Style::Good,
                Verdict::Incorrect => Style::Bad,
                Verdict::Unknown => Style::Dim,
            };
            self.output.line("")?;
            self.output.styled(Style::Bold, "Verdict ")?;
            self.output.styled(style, verification.verdict.name())?;
            self.output.line("")?;
            if let Some(reason) = &verification.reason {
                self.output.data(reason, INDENT)?;
            }
        }
        let outside: Vec<&Flag> = flags.iter().filter(|flag| flag.step.is_none()).collect();
        if !outside.is_empty() {
            self.output.line("")?;
            self.flags(&outside)?;
        }
        if !record.content.pairs.is_empty() {
            let pairs = record.content.pairs.len();
            self.line(
                Style::Dim,
                "pairs",
                &format!("{pairs}: in:pair id:{}", record.id),
            )?;
        }
        Ok(())
    }

    fn head(&mut self, record: &Record, format: &str) -> Result<(), Report> {
        self.output.styled(Style::Id, &record.id)?;
        self.output.styled(
            Style::Dim,
            format!("  {format}  {}", &record.hash.to_string()[..16]),
        )?;
        self.output.line("")
    }

    fn step(&mut self, number: usize, step: &Step, flags: &[Flag]) -> Result<(), Report> {
        self.output.line("")?;
        self.output.styled(Style::Bold, format!("Step {number}"))?;
        self.output.line("")?;
        self.part(
            step.thought.as_deref(),
            step.action.as_ref(),
            step.observation.as_ref(),
        )?;
        for picture in &step.pictures {
            self.picture(picture)?;
        }
        for (n, candidate) in step.candidates.iter().enumerate() {
            let chosen = step.chosen == Some(n);
            let title = format!(
                "Candidate {}{}",
                n + 1,
                if chosen { " (chosen)" } else { "" }
            );
            self.output.styled(Style::Dim, title)?;
            self.output.line("")?;
            if !chosen {
                self.candidate(candidate)?;
            }
        }
        if let Some(reason) = &step.choice_reason {
            self.block("Why it was chosen", reason)?;
        }
        let here: Vec<&Flag> = flags
            .iter()
            .filter(|flag| flag.step == Some(number))
            .collect();
        self.flags(&here)
    }

    fn candidate(&mut self, candidate: &Candidate) -> Result<(), Report> {
        self.part(
            candidate.thought.as_deref(),
            candidate.action.as_ref(),
            candidate.observation.as_ref(),
        )
    }

    fn part(
        &mut self,
        thought: Option<&str>,
        action: Option<&Action>,
        observation: Option<&Observation>,
    ) -> Result<(), Report> {
        if let Some(thought) = thought {
            self.field("thought", Style::Dim, thought)?;
        }
        match action {
            Some(Action::Code(code)) => self.code("code", code)?,
            Some(Action::ToolCalls(calls)) => {
                for call in calls {
                    self.code("call", &call_text(&call.name, &call.arguments))?;
                }
            }
            Some(Action::Message(message)) => self.field("message", Style::Dim, message)?,
            None => {}
        }
        if let Some(observation) = observation {
            let (name, style) = if observation.is_error {
                ("error", Style::Bad)
            } else {
                ("observation", Style::Dim)
            };
            self.field(name, style, &observation.text)?;
            for picture in &observation.pictures {
                self.picture(picture)?;
            }
        }
        Ok(())
    }

    fn pair(
        &mut self,
        record: &Record,
        pair: &PreferencePair,
        system_prompt: bool,
    ) -> Result<(), Report> {
        let id = TargetId {
            record: record.id.clone(),
            part: pair.part.clone(),
        };
        self.output.styled(Style::Id, id)?;
        self.output.styled(
            Style::Dim,
            format!("  {}  step {}", pair.provenance.format, pair.step_number()),
        )?;
        self.output.line("")?;
        let context = &pair.context;
        if system_prompt && let Some(prompt) = &context.system_prompt {
            self.block("System prompt", prompt)?;
        }
        self.block("Task", &context.task.text)?;
        for attachment in &context.task.attachments {
            self.picture(&attachment.reference)?;
        }
        for (n, step) in context.steps.iter().enumerate() {
            self.step(n + 1, step, &[])?;
        }
        for (title, style, candidate) in [
            ("Chosen", Style::Good, &pair.chosen),
            ("Rejected", Style::Bad, &pair.rejected),
        ] {
            self.output.line("")?;
            self.output.styled(style, title)?;
            self.output.line("")?;
            self.candidate(candidate)?;
        }
        if let Some(reason) = &pair.reason {
            self.block("Reason", reason)?;
        }
        Ok(())
    }

    fn block(&mut self, title: &str, text: &str) -> Result<(), Report> {
        self.output.line("")?;
        self.output.styled(Style::Bold, title)?;
        self.output.line("")?;
        self.output.data(text, INDENT)
    }

    /// Code keeps its lines: a break in them would be read as one of its own.
    fn code(&mut self, name: &str, code: &str) -> Result<(), Report> {
        self.output.text(INDENT)?;
        self.output.styled(Style::Dim, name)?;
        self.output.line("")?;
        self.output.code(code, "    ")
    }

    fn field(&mut self, name: &str, style: Style, text: &str) -> Result<(), Report> {
        self.output.text(INDENT)?;
        self.output.styled(style, name)?;
        self.output.line("")?;
        self.output.data(text, "    ")
    }

    fn line(&mut self, style: Style, name: &str, text: &str) -> Result<(), Report> {
        self.output.styled(style, name)?;
        self.output.text(" ")?;
        self.output.data_line(text, &[])?;
        self.output.line("")
    }

    fn flags(&mut self, flags: &[&Flag]) -> Result<(), Report> {
        for flag in flags {
            self.output.text(INDENT)?;
            self.output
                .styled(Style::Bad, format!("flag:{}", flag.rule))?;
            self.output.text(" ")?;
            self.output.data_line(&flag.message, &[])?;
            self.output.line("")?;
        }
        Ok(())
    }

    /// Draws a picture where people watch, else names it; what can't be drawn is named with the reason.
    fn picture(&mut self, reference: &PictureReference) -> Result<(), Report> {
        self.output.text(INDENT)?;
        self.output.styled(Style::Dim, "file ")?;
        self.output.data_line(reference.label(), &[])?;
        if !reference.is_picture() {
            return self.output.line("");
        }
        if !self.draw {
            return match size(reference, &self.roots, &self.limits) {
                Ok((width, height)) => {
                    self.output
                        .styled(Style::Dim, format!("  {width}×{height}"))?;
                    self.output.line("")
                }
                Err(error) => {
                    self.output.styled(Style::Bad, format!("  [{error}]"))?;
                    self.output.line("")
                }
            };
        }
        match load(reference, &self.roots, &self.limits) {
            Err(error) => {
                self.output.styled(Style::Bad, format!("  [{error}]"))?;
                self.output.line("")
            }
            Ok(picture) => {
                let (width, height) = (picture.width(), picture.height());
                self.output
                    .styled(Style::Dim, format!("  {width}×{height}"))?;
                self.output.line("")?;
                self.output.flush()?;
                let columns = crossterm::terminal::size().map_or(80, |(columns, _)| columns);
                let config = viuer::Config {
                    absolute_offset: false,
                    x: 4,
                    width: Some(u32::from(columns.saturating_sub(8)).min(72)),
                    ..viuer::Config::default()
                };
                if let Err(error) = viuer::print(&picture, &config) {
                    self.output
                        .note(format!("the picture can't be drawn: {error}"));
                }
                Ok(())
            }
        }
    }
}
