use crate::cli::line_difference;
use crate::cli::output::{Output, Style};
use crate::domain::{LoggedCall, LoggedResult};
use crate::replay::{StepReplay, Summary, TrajectoryReplay, Verdict};
use crate::report::Report;

/// Reasons in the table of a summary.
const MOST_REASONS: usize = 20;

/// Prints a replay: all of it if it is `alone`, else the steps that do not reproduce.
pub(super) fn print(
    id: &str,
    replay: &TrajectoryReplay,
    alone: bool,
    output: &mut Output,
) -> Result<(), Report> {
    for step in &replay.steps {
        if !alone && step.verdict.reproduces() {
            continue;
        }
        head(id, step, output)?;
        if step.verdict == Verdict::Differs || step.verdict == Verdict::ErrorNotReproduced {
            let actual = step.actual.as_deref().unwrap_or_default();
            if let Some(recorded) = &step.recorded {
                line_difference::print(recorded, actual, "    ", output)?;
            }
        }
        if alone {
            details(step, output)?;
        }
    }
    Ok(())
}

fn head(id: &str, step: &StepReplay, output: &mut Output) -> Result<(), Report> {
    output.styled(Style::Id, id)?;
    output.styled(Style::Dim, format!(" step {}", step.step + 1))?;
    output.text("  ")?;
    let style = match step.verdict {
        verdict if verdict.reproduces() => Style::Good,
        Verdict::Differs | Verdict::ErrorNotReproduced => Style::Bad,
        _ => Style::Dim,
    };
    output.styled(style, step.verdict.name())?;
    if !step.reason.is_empty() {
        output.text("  ")?;
        output.data_line(&step.reason, &[])?;
    }
    output.line("")
}

fn details(step: &StepReplay, output: &mut Output) -> Result<(), Report> {
    for LoggedCall {
        name,
        arguments,
        result,
        provider,
        ..
    } in &step.calls
    {
        let (mark, text) = match result {
            LoggedResult::Value(text) => ("=", text),
            LoggedResult::Error(text) => ("failed:", text),
            LoggedResult::Unavailable(text) => ("no answer:", text),
        };
        let provider = provider.as_deref().unwrap_or("nobody");
        output.text("    call ")?;
        output.data_line(&format!("{name}({arguments}) {mark} {text}"), &[])?;
        output.styled(Style::Dim, format!("  [{provider}]"))?;
        output.line("")?;
    }
    for note in &step.notes {
        output.text("    note: ")?;
        output.data_line(note, &[])?;
        output.line("")?;
    }
    for variable in step.variables.iter().flatten() {
        output.text("    ")?;
        output.styled(Style::Bold, &variable.name)?;
        output.styled(Style::Dim, format!(": {}", variable.kind))?;
        let cut = if variable.is_cut { "…" } else { "" };
        output.text(" = ")?;
        output.data_line(&format!("{}{cut}", variable.value), &[])?;
        output.line("")?;
    }
    Ok(())
}

/// Prints how many steps reproduce, and why others don't.
pub(super) fn print_summary(summary: &Summary, output: &mut Output) -> Result<(), Report> {
    output.line(format!(
        "{} of {} steps of {} trajectories reproduce",
        summary.reproduced(),
        summary.steps(),
        summary.trajectories
    ))?;
    for verdict in Verdict::ALL {
        let count = summary.count(verdict);
        if count > 0 {
            output.line(format!("  {count:>7}  {}", verdict.name()))?;
        }
    }
    let (independent, reproduced) = summary.independent;
    output.line(format!(
        "{reproduced} of {independent} steps without tool results reproduce: these prove something"
    ))?;
    let (calls, known) = summary.calls;
    if calls > 0 {
        output.line(format!(
            "the results of {known} of {calls} tool calls are known"
        ))?;
    }
    let (answers, equal) = summary.answers;
    if answers > 0 {
        output.line(format!(
            "{equal} of {answers} answers equal the recorded one"
        ))?;
    }
    let mut reasons: Vec<_> = summary
        .reasons
        .iter()
        .filter(|((verdict, _), _)| !verdict.reproduces())
        .collect();
    reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    if !reasons.is_empty() {
        output.line("why the others don't:")?;
    }
    let more = reasons.len().saturating_sub(MOST_REASONS);
    for ((verdict, reason), count) in reasons.into_iter().take(MOST_REASONS) {
        output.text(format!("  {count:>7}  {}: ", verdict.name()))?;
        output.data_line(reason, &[])?;
        output.line("")?;
    }
    if more > 0 {
        output.line(format!("          and {more} other reasons"))?;
    }
    Ok(())
}
