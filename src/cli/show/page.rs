use crate::cli::output::{Output, Style};
use crate::corpus::{CurrentPair, call_text};
use crate::domain::{
    Action, Candidate, Observation, PictureReference, PreferencePair, Step, Trajectory, Verdict,
    Verification,
};
use crate::media::{DecodeLimits, PictureRoots, load, size};
use crate::report::Report;
use crate::rules::Flag;

use super::{Shown, candidate_provenance};
use super::review_section::step_marks;

/// What is printed for people, and with what means.
pub struct Page<'o> {
    pub roots: PictureRoots,
    pub limits: DecodeLimits,
    /// Whether pictures are drawn.
    pub draw: bool,
    /// Whether system prompts are printed.
    pub system_prompt: bool,
    pub output: &'o mut Output,
}

/// What stands below a heading begins with it.
pub const INDENT: &str = "  ";

impl Page<'_> {
    /// The whole page.
    pub fn show(&mut self, shown: &Shown<'_>) -> Result<(), Report> {
        let record = shown.record;
        match (&record.content.trajectory, &shown.subject.id().part) {
            (Some(trajectory), None) => self.trajectory(shown, trajectory)?,
            _ => {
                for (pair, about) in shown.pairs() {
                    self.pair(pair, about)?;
                    if !shown.is_original {
                        self.review(&about.review, about.state, &[])?;
                    }
                }
            }
        }
        if shown.steps.is_none() && !shown.is_original {
            self.conflicts(shown)?;
            for change in shown.changes {
                self.source_change(change)?;
            }
        }
        for problem in &record.content.problems {
            self.line(Style::Bad, "warning", problem)?;
        }
        Ok(())
    }

    fn trajectory(&mut self, shown: &Shown<'_>, trajectory: &Trajectory) -> Result<(), Report> {
        let (record, steps) = (shown.record, shown.steps.as_ref());
        self.head(shown, &trajectory.provenance.format)?;
        if self.system_prompt
            && let Some(prompt) = &trajectory.system_prompt
        {
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
            if steps.is_none_or(|range| range.contains(&number)) {
                let mark = shown.current.steps.get(n).filter(|_| !shown.is_original);
                let marks = mark.map(|mark| step_marks(shown.current, mark));
                self.step(number, step, shown.flags, &marks.unwrap_or_default())?;
            }
        }
        if steps.is_some() {
            return Ok(());
        }
        if let Some(answer) = &trajectory.answer {
            self.block("Answer", answer)?;
        }
        let provenance = &trajectory.provenance;
        let gold = shown.corpus.gold();
        let joined = provenance
            .benchmark
            .zip(provenance.task_key.as_deref())
            .and_then(|(benchmark, key)| gold.reference(benchmark, key));
        if let Some(reference) = trajectory.reference_answer.as_ref().or(joined) {
            self.block("Reference answer", &reference.summary())?;
        }
        if let Some(outcome) = shown.corpus.outcome(trajectory) {
            self.line(Style::Bold, "Outcome", outcome.name())?;
        }
        if let Some(verification) = &trajectory.verification {
            self.verification(verification)?;
        }
        let flags = shown.flags.iter();
        let outside: Vec<&Flag> = flags.filter(|flag| flag.step.is_none()).collect();
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
        if shown.is_original {
            return Ok(());
        }
        self.made_pairs(shown)?;
        let current = shown.current;
        self.review(&current.review, current.state, &current.steps)
    }

    fn verification(&mut self, verification: &Verification) -> Result<(), Report> {
        let style = match verification.verdict {
            Verdict::Correct => Style::Good,
            Verdict::Incorrect => Style::Bad,
            Verdict::Unknown => Style::Dim,
        };
        self.output.line("")?;
        self.output.styled(Style::Bold, "Verdict ")?;
        self.output.styled(style, verification.verdict.name())?;
        self.output.line("")?;
        match &verification.reason {
            Some(reason) => self.output.data(reason, INDENT),
            None => Ok(()),
        }
    }

    fn head(&mut self, shown: &Shown<'_>, format: &str) -> Result<(), Report> {
        let record = shown.record;
        self.output.styled(Style::Id, &record.id)?;
        self.output.styled(
            Style::Dim,
            format!("  {format}  {}", &record.hash.to_string()[..16]),
        )?;
        match shown.is_original {
            true => self.output.styled(Style::Dim, "  as the source has it")?,
            false => self.state(shown.current.state)?,
        }
        self.output.line("")
    }

    fn step(
        &mut self,
        number: usize,
        step: &Step,
        flags: &[Flag],
        marks: &str,
    ) -> Result<(), Report> {
        self.output.line("")?;
        self.output.styled(Style::Bold, format!("Step {number}"))?;
        if !marks.is_empty() {
            self.output.text("  ")?;
            self.output.styled(Style::Match, marks)?;
        }
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

    fn pair(&mut self, pair: &PreferencePair, about: &CurrentPair) -> Result<(), Report> {
        self.output.styled(Style::Id, &about.target)?;
        self.output.styled(
            Style::Dim,
            format!("  {}  step {}", pair.provenance.format, pair.step_number()),
        )?;
        self.state(about.state)?;
        self.output.line("")?;
        let context = &pair.context;
        if self.system_prompt
            && let Some(prompt) = &context.system_prompt
        {
            self.block("System prompt", prompt)?;
        }
        self.block("Task", &context.task.text)?;
        for attachment in &context.task.attachments {
            self.picture(&attachment.reference)?;
        }
        for (n, step) in context.steps.iter().enumerate() {
            self.step(n + 1, step, &[], "")?;
        }
        for (title, style, candidate) in [
            ("Chosen", Style::Good, &pair.chosen),
            ("Rejected", Style::Bad, &pair.rejected),
        ] {
            self.output.line("")?;
            self.output.styled(style, title)?;
            self.output.line("")?;
            self.candidate(candidate)?;
            candidate_provenance::print(candidate, self.output)?;
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

    /// A name and a text in one line.
    pub fn line(&mut self, style: Style, name: &str, text: &str) -> Result<(), Report> {
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
