use crate::cli::output::{Output, Style};
use crate::cli::show::candidate_provenance::{call_line, judgement_line};
use crate::domain::review::{Field, candidate_text};
use crate::domain::{Candidate, Maker};
use crate::report::Report;
use crate::rerun::{RerunCandidate, StepRerun};

/// Prints a finished re-run: every candidate with its place, what it does, what it printed, and what judges say.
pub(super) fn print(rerun: &StepRerun, output: &mut Output) -> Result<(), Report> {
    output.styled(Style::Id, &rerun.record)?;
    output.styled(Style::Dim, format!(" step {}", rerun.step + 1))?;
    output.line("")?;
    for note in &rerun.notes {
        output.styled(Style::Dim, "note: ")?;
        output.data_line(note, &[])?;
        output.line("")?;
    }
    for (number, candidate) in rerun.candidates.iter().enumerate() {
        head(rerun, number, candidate, output)?;
        if candidate.folded.is_none() && !candidate.cancelled {
            body(&candidate.candidate, output)?;
        }
    }
    if let Some(reason) = &rerun.judge_failure {
        output.styled(Style::Bad, "nobody judged them: ")?;
        output.data_line(reason, &[])?;
        return output.line("");
    }
    match rerun.best {
        Some(best) => {
            output.styled(Style::Good, format!("best: candidate {best}"))?;
            if let Some(reason) = &rerun.reason {
                output.text("  ")?;
                output.data_line(reason, &[])?;
            }
        }
        None => output.styled(Style::Dim, "no candidate is better than all others")?,
    }
    output.line("")
}

fn head(
    rerun: &StepRerun,
    number: usize,
    candidate: &RerunCandidate,
    output: &mut Output,
) -> Result<(), Report> {
    let style = match rerun.best == Some(number) {
        true => Style::Good,
        false => Style::Bold,
    };
    output.styled(style, format!("{number}"))?;
    let mut parts = vec![match &candidate.candidate.maker {
        Maker::Recorded if number == 0 => "as recorded".to_owned(),
        Maker::Recorded => "nobody knows who made it".to_owned(),
        Maker::Controller(name) => name.clone(),
        Maker::Person(name) => format!("written by {name}"),
    }];
    if candidate.candidate.is_cut() {
        parts.push("cut at its limit of tokens".to_owned());
    }
    if let Some(place) = candidate.place {
        parts.push(format!("place {place}"));
    }
    if let Some(into) = candidate.folded {
        parts = vec![format!("does the same as {into}")];
    }
    if candidate.cancelled {
        parts = vec!["given up".to_owned()];
    }
    output.styled(Style::Dim, format!("  {}", parts.join(", ")))?;
    output.line("")
}

fn body(candidate: &Candidate, output: &mut Output) -> Result<(), Report> {
    if let Some(thought) = &candidate.thought {
        output.data(thought, "    ")?;
    }
    let code = candidate_text(candidate, Field::Code);
    if !code.is_empty() {
        output.code(&code, "    │ ")?;
    }
    if let Some(observation) = &candidate.observation {
        let style = if observation.is_error {
            Style::Bad
        } else {
            Style::Dim
        };
        output.styled(style, "    prints:")?;
        output.line("")?;
        output.data(&observation.text, "      ")?;
    }
    if let Some(reason) = candidate.unavailable() {
        output.styled(Style::Bad, "    unavailable: ")?;
        output.data_line(reason, &[])?;
        output.line("")?;
    }
    for call in candidate
        .execution
        .iter()
        .flat_map(|execution| &execution.calls)
    {
        output.styled(Style::Dim, "    call ")?;
        output.data_line(&call_line(call), &[])?;
        output.line("")?;
    }
    for judgement in &candidate.judgements {
        output.text("    ")?;
        output.data_line(&judgement_line(judgement), &[])?;
        output.line("")?;
    }
    Ok(())
}
