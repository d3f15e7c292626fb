//! `retake review`: what people decide about trajectories, pairs and steps.

mod adjudicate;
mod edit;
mod label;
mod note;
mod step_list;
mod tag;
mod verdict;

use clap::{Args, Subcommand};

use super::Ended;
use super::output::Output;
use super::session::Session;

pub(super) use verdict::{RejectArgs, give, rejection};

/// Accept, reject, label, tag, note or edit trajectories, pairs and steps
///
/// What you decide goes into your own journal; sources are never written to. Each call is one batch, which `retake undo`
/// reverses.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    #[command(subcommand)]
    verb: ReviewVerb,
}

#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
enum ReviewVerb {
    Accept(verdict::AcceptArgs),
    Reject(verdict::RejectArgs),
    Label(label::LabelArgs),
    FirstWrongStep(label::FirstWrongStepArgs),
    Tag(tag::TagArgs),
    Untag(tag::UntagArgs),
    Note(note::NoteArgs),
    Edit(edit::EditArgs),
    AddStep(step_list::AddStepArgs),
    RemoveStep(step_list::RemoveStepArgs),
    MoveStep(step_list::MoveStepArgs),
    Fresh(step_list::FreshArgs),
    Adjudicate(adjudicate::AdjudicateArgs),
}

pub(super) fn run(args: &ReviewArgs, session: Session, output: &mut Output) -> Ended {
    match &args.verb {
        ReviewVerb::Accept(args) => verdict::accept(args, &session, output),
        ReviewVerb::Reject(args) => verdict::reject(args, &session, output),
        ReviewVerb::Label(args) => label::label(args, &session, output),
        ReviewVerb::FirstWrongStep(args) => label::first_wrong_step(args, &session, output),
        ReviewVerb::Tag(args) => tag::tag(args, &session, output),
        ReviewVerb::Untag(args) => tag::untag(args, &session, output),
        ReviewVerb::Note(args) => note::run(args, &session, output),
        ReviewVerb::Edit(args) => edit::run(args, &session, output),
        ReviewVerb::AddStep(args) => step_list::add(args, &session, output),
        ReviewVerb::RemoveStep(args) => step_list::remove(args, &session, output),
        ReviewVerb::MoveStep(args) => step_list::move_step(args, &session, output),
        ReviewVerb::Fresh(args) => step_list::fresh(args, &session, output),
        ReviewVerb::Adjudicate(args) => adjudicate::run(args, &session, output),
    }
}
