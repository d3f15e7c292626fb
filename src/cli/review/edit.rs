use std::borrow::Cow;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::cli::Ended;
use crate::cli::consequences::other;
use crate::cli::decision::{Decided, DecisionArgs, StepArgs, Words, decide};
use crate::cli::given_text::TextArgs;
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::cli::subject::Subject;
use crate::domain::review::{
    Edit, Field, Side, Target, TextHash, Verb, candidate_text, step_text, trajectory_text,
};
use crate::report::Report;

/// Give a field a new text; sources stay as they are
#[derive(Debug, Args)]
pub struct EditArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    step: StepArgs,
    /// The field; code is Python, the JSON of tool calls, or a message, whichever the step has
    #[arg(long, value_parser = PossibleValuesParser::new(Field::ALL.map(Field::name)).try_map(|name| name.parse::<Field>()))]
    field: Field,
    /// Of a pair: which candidate, as they are shown now
    #[arg(long)]
    side: Option<ShownSide>,
    #[command(flatten)]
    text: TextArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShownSide {
    /// The better one
    Chosen,
    /// The worse one
    Rejected,
}

pub fn run(args: &EditArgs, session: &Session, output: &mut Output) -> Ended {
    if args.decision.selection.reads_standard_input() && args.text.reads_standard_input() {
        return Err(Report::usage("standard input can't hold both ids and text"));
    }
    let text = args.text.read()?;
    let words = Words {
        verb: "edit",
        done: "edited",
    };
    let hits = match args.field.is_of_step() {
        true => StepHits::Steps,
        false => StepHits::Trajectories,
    };
    decide(&args.decision, session, output, words, hits, |subject| {
        let (target, side, shown) = match subject.is_pair() {
            true => of_pair(args, subject)?,
            false => of_trajectory(args, subject)?,
        };
        Ok(edit(args.field, target, side, &shown, &text))
    })
}

fn edit(
    field: Field,
    target: Target,
    side: Option<Side>,
    shown: &str,
    text: &str,
) -> Option<Decided> {
    let edit = Edit {
        field,
        side,
        text: text.to_owned(),
        against: TextHash::of(shown),
    };
    (shown != text).then_some((target, Verb::Edit(edit)))
}

type Edited<'s> = (Target, Option<Side>, Cow<'s, str>);

fn of_trajectory<'s>(args: &EditArgs, subject: &'s Subject) -> Result<Edited<'s>, Report> {
    let id = subject.id();
    if args.side.is_some() {
        return Err(Report::usage(format!("{id} is no pair: leave --side out")));
    }
    let Some(trajectory) = &subject.current.content.trajectory else {
        return Err(Report::failure(format!("{id} has nothing to edit")));
    };
    if !args.field.is_of_step() {
        if args.step.step.is_some() {
            let field = args.field.name();
            return Err(Report::usage(format!(
                "the {field} is of the whole trajectory: leave --step out"
            )));
        }
        let shown = trajectory_text(trajectory, args.field);
        return Ok((subject.target.clone(), None, Cow::Borrowed(shown)));
    }
    let target = args.step.target(subject)?;
    let place = subject
        .current
        .steps
        .iter()
        .position(|step| Some(step.key) == target.step);
    let step = place.and_then(|place| trajectory.steps.get(place));
    let shown = step.map_or(Cow::Borrowed(""), |step| step_text(step, args.field));
    Ok((target, None, shown))
}

fn of_pair<'s>(args: &EditArgs, subject: &'s Subject) -> Result<Edited<'s>, Report> {
    let id = subject.id();
    let pair = subject
        .pair()
        .ok_or_else(|| Report::failure(format!("the step of {id} is gone")))?;
    if args.step.step.is_some() {
        return Err(Report::usage(format!("{id} is a pair: leave --step out")));
    }
    let side = args.side.map(|side| match side {
        ShownSide::Chosen => Side::Chosen,
        ShownSide::Rejected => Side::Rejected,
    });
    let shown = match (args.field, side) {
        (Field::Task, None) => Cow::Borrowed(pair.context.task.text.as_str()),
        (Field::Answer, _) => {
            return Err(Report::failure(format!("{id} is a pair: it has no answer")));
        }
        (Field::Task, Some(_)) => {
            return Err(Report::usage(
                "the task is of both candidates: leave --side out",
            ));
        }
        (_, None) => {
            return Err(
                Report::usage(format!("{id} is a pair, and an edit is of one candidate"))
                    .hint("--side chosen or --side rejected"),
            );
        }
        (field, Some(Side::Chosen)) => candidate_text(&pair.chosen, field),
        (field, Some(Side::Rejected)) => candidate_text(&pair.rejected, field),
    };
    // Records name sides as the pair was made.
    let side = side.map(|side| match subject.review().swapped {
        true => other(side),
        false => side,
    });
    Ok((subject.target.clone(), side, shown))
}
