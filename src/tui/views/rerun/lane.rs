//! One candidate of a re-run as it comes to be: what it says so far, how fast, and what became of it.

use std::time::Instant;

use ratatui::text::{Line, Span};

use crate::domain::{Candidate, Judgement, LoggedResult, Maker, visible_line};
use crate::tui::theme::{Paint, Theme};
use crate::tui::views::record_lines::Writer;
use crate::tui::widgets::pane::Scroll;

/// How far a candidate is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// The controller has said nothing of it yet.
    #[default]
    Waits,
    /// It is being written.
    Streams,
    /// It is whole, and was not executed yet.
    Written,
    /// It is being executed.
    Runs,
    /// There is an observation, or a reason why there is none.
    Done,
    /// Somebody gave it up.
    Cancelled,
}

/// A candidate.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub stage: Stage,
    /// The text so far.
    streamed: String,
    /// Pieces of it, as the server sent them: tokens, where it sends each by itself.
    pieces: usize,
    /// When the first and the last piece came.
    times: Option<(Instant, Instant)>,
    /// The candidate itself, once it is whole.
    pub candidate: Option<Candidate>,
    /// The first candidate that does the same, if it is another one.
    pub same_as: Option<usize>,
    /// Its place among all, the best being 1.
    pub place: Option<usize>,
    pub scroll: Scroll,
    /// The width that lines were made for, and the lines.
    made: Option<(usize, Vec<Line<'static>>)>,
}

impl Lane {
    /// What the data has: it is whole, and ran when it was recorded.
    pub fn recorded(candidate: Candidate) -> Self {
        Self {
            stage: Stage::Done,
            candidate: Some(candidate),
            ..Self::default()
        }
    }

    /// More text has come.
    pub fn add(&mut self, text: &str, now: Instant) {
        if matches!(self.stage, Stage::Waits | Stage::Streams) {
            self.stage = Stage::Streams;
            self.streamed.push_str(text);
            self.pieces += 1;
            let (first, _) = self.times.unwrap_or((now, now));
            self.times = Some((first, now));
            self.made = None;
        }
    }

    /// It is whole, or there is more to it.
    pub fn set(&mut self, candidate: Candidate, stage: Stage) {
        self.candidate = Some(candidate);
        self.stage = stage;
        self.made = None;
    }

    /// The lines are made anew.
    pub fn forget_lines(&mut self) {
        self.made = None;
    }

    /// Whether somebody may still give it up.
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Waits | Stage::Streams)
    }

    /// Pieces a second while it was written; `None` before the second piece.
    fn rate(&self) -> Option<f64> {
        let (first, last) = self.times?;
        let seconds = last.saturating_duration_since(first).as_secs_f64();
        (self.pieces > 1 && seconds > 0.0).then(|| (self.pieces - 1) as f64 / seconds)
    }

    /// Who made it, in a word.
    pub fn maker(&self) -> String {
        match self.candidate.as_ref().map(|candidate| &candidate.maker) {
            Some(Maker::Recorded) => "recorded".to_owned(),
            Some(Maker::Controller(name) | Maker::Person(name)) => visible_line(name).into_owned(),
            None => "new".to_owned(),
        }
    }

    /// How far it is, in a few words. Hidden, they are the same for all that came to their end well.
    pub fn state(&self, is_hidden: bool) -> (String, Paint) {
        let rate = self.rate().map_or(String::new(), |rate| {
            format!("  {} tok  {rate:.0} tok/s", self.pieces)
        });
        match &self.stage {
            Stage::Waits => ("waits".to_owned(), Paint::Dim),
            Stage::Streams => (format!("writes{rate}"), Paint::Accent),
            Stage::Written => (format!("written{rate}"), Paint::Text),
            Stage::Runs => ("runs".to_owned(), Paint::Accent),
            Stage::Cancelled => ("cancelled".to_owned(), Paint::Dim),
            Stage::Done => match self.outcome() {
                (_, Paint::Good | Paint::Dim) if is_hidden => ("whole".to_owned(), Paint::Text),
                // A recorded step is never told to be cut.
                (outcome, paint) if self.is_cut() && !is_hidden => {
                    (format!("{outcome}, cut"), paint)
                }
                outcome => outcome,
            },
        }
    }

    /// Whether its reply was cut at its limit of tokens.
    fn is_cut(&self) -> bool {
        self.candidate.as_ref().is_some_and(Candidate::is_cut)
    }

    fn outcome(&self) -> (String, Paint) {
        let Some(candidate) = &self.candidate else {
            return ("nothing".to_owned(), Paint::Dim);
        };
        if self.same_as.is_some() {
            return ("not run".to_owned(), Paint::Dim);
        }
        let execution = candidate.execution.as_deref();
        if execution.is_some_and(|execution| execution.unavailable.is_some()) {
            return ("unavailable".to_owned(), Paint::Warning);
        }
        if candidate.action.is_none() {
            return ("no action".to_owned(), Paint::Bad);
        }
        match &candidate.observation {
            Some(observation) if observation.is_error => ("error".to_owned(), Paint::Bad),
            Some(_) => ("ran".to_owned(), Paint::Good),
            None if execution.is_some_and(|execution| execution.final_answer.is_some()) => {
                ("answers".to_owned(), Paint::Good)
            }
            None => ("no observation".to_owned(), Paint::Dim),
        }
    }

    /// All of it for a column.
    pub fn lines(
        &mut self,
        writer: &Writer<'_>,
        is_hidden: bool,
    ) -> (&[Line<'static>], &mut Scroll) {
        if self
            .made
            .as_ref()
            .is_none_or(|(width, _)| *width != writer.width)
        {
            self.made = Some((writer.width, self.texts(writer, is_hidden)));
        }
        let lines = self
            .made
            .as_ref()
            .map_or(&[][..], |(_, lines)| lines.as_slice());
        (lines, &mut self.scroll)
    }

    fn texts(&self, writer: &Writer<'_>, is_hidden: bool) -> Vec<Line<'static>> {
        let Some(candidate) = &self.candidate else {
            return writer.text("thought", &self.streamed, Paint::Text);
        };
        let theme = writer.theme;
        let mut all = Vec::new();
        // A reply without an action is all thought: once is enough.
        let is_reply = |thought: &&String| {
            let reply = candidate
                .reply
                .as_deref()
                .filter(|_| candidate.action.is_none());
            reply.is_some_and(|reply| reply.trim() == thought.trim())
        };
        let thought = candidate.thought.as_ref();
        if let Some(thought) = thought.filter(|thought| !is_reply(thought)) {
            all.push(heading("Thought", theme));
            all.extend(writer.text("thought", thought, Paint::Text));
        }
        match (&candidate.action, &candidate.reply) {
            (Some(action), _) => {
                all.push(heading("Code", theme));
                all.extend(writer.action(action, &[]));
            }
            (None, Some(reply)) => {
                all.push(heading("Reply, in which there is no action", theme));
                all.extend(writer.text("thought", reply, Paint::Text));
            }
            (None, None) => {}
        }
        if candidate.is_cut() && !is_hidden {
            let made = candidate.generation.as_deref();
            let most = made.and_then(|made| made.sampling.max_tokens);
            let most = most.map_or(String::new(), |most| format!(" of {most} tokens"));
            let said = format!("The reply was cut at its limit{most}.");
            all.extend(writer.text("reason", &said, Paint::Warning));
        }
        self.observed(candidate, writer, is_hidden, &mut all);
        if is_hidden {
            return all;
        }
        for judgement in &candidate.judgements {
            all.extend(judged(judgement, writer));
        }
        all
    }

    fn observed(
        &self,
        candidate: &Candidate,
        writer: &Writer<'_>,
        is_hidden: bool,
        all: &mut Vec<Line<'static>>,
    ) {
        let theme = writer.theme;
        let execution = candidate.execution.as_deref();
        let unavailable = execution.and_then(|execution| execution.unavailable.as_deref());
        if let Some(reason) = unavailable {
            all.push(heading("Not executed to its end", theme));
            all.extend(writer.text("reason", reason, Paint::Warning));
        }
        if let Some(observation) = &candidate.observation {
            let paint = match observation.is_error {
                true => Paint::Bad,
                false => Paint::Text,
            };
            all.push(heading("Observation", theme));
            all.extend(writer.text("observation", &observation.text, paint));
        }
        // How it was executed tells that it is a new one.
        let Some(execution) = execution.filter(|_| !is_hidden) else {
            return;
        };
        if let Some(answer) = &execution.final_answer {
            all.push(heading("Final answer", theme));
            all.extend(writer.text("answer", answer, Paint::Good));
        }
        for call in &execution.calls {
            let (said, paint) = match (&call.result, &call.provider) {
                (LoggedResult::Unavailable(_), _) | (_, None) => {
                    ("nobody answers".to_owned(), Paint::Warning)
                }
                (LoggedResult::Error(_), Some(provider)) => {
                    (format!("fails, by {}", visible_line(provider)), Paint::Bad)
                }
                (LoggedResult::Value(_), Some(provider)) => (
                    format!("answered by {}", visible_line(provider)),
                    Paint::Dim,
                ),
            };
            let name = visible_line(&call.name).into_owned();
            all.push(Line::from(vec![
                Span::styled(name, theme.style(Paint::Tool)),
                Span::styled(format!("  {said}"), theme.style(paint)),
            ]));
        }
        for note in &execution.notes {
            all.extend(writer.text("reason", note, Paint::Dim));
        }
    }
}

/// What a judge says.
fn judged(judgement: &Judgement, writer: &Writer<'_>) -> Vec<Line<'static>> {
    let mut all = vec![heading(&judgement_title(judgement), writer.theme)];
    if let Some(reason) = &judgement.no_verdict {
        all.extend(writer.text("reason", &format!("no verdict: {reason}"), Paint::Warning));
    }
    for reason in &judgement.reasons {
        all.extend(writer.text("reason", &format!("· {reason}"), Paint::Dim));
    }
    all
}

/// A judge's name, score and place.
pub(super) fn judgement_title(judgement: &Judgement) -> String {
    let mut title = visible_line(&judgement.judge).into_owned();
    if let Some(score) = judgement.score {
        title.push_str(&format!("  score {}", rounded(score)));
    }
    if let Some(rank) = judgement.rank {
        title.push_str(&format!("  place {rank}"));
    }
    if judgement.best {
        title.push_str("  best");
    }
    title
}

/// A score without digits that say nothing.
fn rounded(score: f64) -> String {
    let text = format!("{score:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn heading(text: &str, theme: &Theme) -> Line<'static> {
    Line::styled(text.to_owned(), theme.style(Paint::Heading))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{Execution, Observation};

    #[test]
    fn a_rate_needs_two_pieces_and_ends_with_the_text() {
        let mut lane = Lane::default();
        let start = Instant::now();
        assert_eq!(lane.state(false).0, "waits");
        lane.add("a", start);
        assert_eq!(lane.state(false).0, "writes");
        for piece in 1..=10u32 {
            lane.add(" b", start + Duration::from_millis(100) * piece);
        }
        assert_eq!(lane.state(false).0, "writes  11 tok  10 tok/s");
        lane.set(Candidate::default(), Stage::Written);
        lane.add("late", start + Duration::from_secs(9));
        assert_eq!(lane.state(false).0, "written  11 tok  10 tok/s");
    }

    #[test]
    fn a_reply_that_was_cut_is_marked_and_hidden_outcomes_are_alike() {
        use crate::domain::{Action, ContentHash, Generation, Sampling};
        let mut lane = Lane::default();
        let generation = |finish: &str| Generation {
            model: "small".to_owned(),
            weights: None,
            adapter: None,
            server: None,
            device: None,
            backend: None,
            sampling: Sampling::default(),
            temperatures: Vec::new(),
            seed: None,
            place: 0,
            batch: 1,
            cached_tokens: None,
            prompt: ContentHash([0; 32]),
            context: ContentHash([0; 32]),
            prompt_tokens: None,
            completion_tokens: None,
            finish: Some(finish.to_owned()),
            milliseconds: None,
            time: crate::domain::review::Timestamp::from_milliseconds(0),
        };
        let mut candidate = Candidate {
            action: Some(Action::Code("print(1)".to_owned())),
            observation: Some(Observation {
                text: "1".to_owned(),
                ..Observation::default()
            }),
            generation: Some(Box::new(generation("length"))),
            ..Candidate::default()
        };
        lane.set(candidate.clone(), Stage::Done);
        assert_eq!(lane.state(false).0, "ran, cut");
        assert_eq!(lane.state(true), ("whole".to_owned(), Paint::Text));
        let without = Candidate {
            action: None,
            ..candidate.clone()
        };
        lane.set(without, Stage::Done);
        assert_eq!(lane.state(true).0, "no action");
        assert_eq!(lane.state(false).0, "no action, cut");
        candidate.generation = Some(Box::new(generation("stop")));
        lane.set(candidate.clone(), Stage::Done);
        assert_eq!(lane.state(false).0, "ran");
        // A recorded answer without an observation looks like any other.
        candidate.observation = None;
        lane.set(candidate, Stage::Done);
        assert_eq!(lane.state(true).0, "whole");
    }

    #[test]
    fn what_became_of_it_is_said() {
        let done = |candidate: Candidate| {
            let mut lane = Lane::default();
            lane.set(candidate, Stage::Done);
            lane.state(false).0
        };
        let code = Some(crate::domain::Action::Code("print(1)".to_owned()));
        let observation = |is_error| {
            Some(Observation {
                text: "1".to_owned(),
                is_error,
                ..Observation::default()
            })
        };
        let with = |observation, execution: Option<Execution>| Candidate {
            action: code.clone(),
            observation,
            execution: execution.map(Box::new),
            ..Candidate::default()
        };
        assert_eq!(done(with(observation(false), None)), "ran");
        assert_eq!(done(with(observation(true), None)), "error");
        assert_eq!(done(with(None, None)), "no observation");
        let unavailable = Execution {
            unavailable: Some("nobody knows".to_owned()),
            ..Execution::default()
        };
        assert_eq!(done(with(None, Some(unavailable))), "unavailable");
        let answers = Execution {
            final_answer: Some("7".to_owned()),
            ..Execution::default()
        };
        assert_eq!(done(with(None, Some(answers))), "answers");
        assert_eq!(done(Candidate::default()), "no action");
        assert_eq!(
            (rounded(7.0), rounded(0.25)),
            ("7".to_owned(), "0.25".to_owned())
        );
    }
}
