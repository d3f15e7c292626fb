use std::io::{BufRead as _, IsTerminal as _};

use serde_json::json;

use super::arguments::{Pick, Reject, RerunArgs, RerunFormat};
use super::{bench, cancelled_or, later_draw};
use crate::cli::Ended;
use crate::cli::annotation::Annotation;
use crate::cli::output::{Output, Style};
use crate::cli::session::{Session, interruptible};
use crate::corpus::decision::{Subject, accept_new_pair, parse_candidate};
use crate::domain::review::{Field, Verb, candidate_text};
use crate::domain::TargetId;
use crate::report::Report;
use crate::rerun::{
    BranchEvent, RerunControl, RerunRequest, StepRerun, add_edited, all_rejected, default_rejected,
    go_on, keep_branch, none_good_draft, pair_drafts,
};
use crate::workspace::Workspace;

/// What is done with the candidates: as the arguments say, else as the person at the terminal says.
#[allow(clippy::too_many_arguments)]
pub(super) fn run(
    args: &RerunArgs,
    session: &Session,
    workspace: &Workspace,
    annotation: &mut Annotation,
    subject: &Subject,
    request: &RerunRequest,
    done: StepRerun,
    output: &mut Output,
) -> Ended {
    let mut picking = Picking {
        args,
        session,
        workspace,
        annotation,
        subject,
        request,
        done,
    };
    if args.none_good {
        picking.none_good(output)?;
        return Ok(None);
    }
    if let Some(pick) = args.pick {
        picking.as_told(pick, output)?;
        return Ok(None);
    }
    let is_asked = args.format == RerunFormat::Text
        && output.is_terminal()
        && std::io::stdin().is_terminal();
    if is_asked {
        picking.ask(output)?;
    }
    Ok(None)
}

struct Picking<'a> {
    args: &'a RerunArgs,
    session: &'a Session,
    workspace: &'a Workspace,
    annotation: &'a mut Annotation,
    subject: &'a Subject,
    request: &'a RerunRequest,
    done: StepRerun,
}

const HELP: &str = "N saves the pair of candidate N and the recorded step, N all every pair of it, N J that with candidate J;
e N edits candidate N in $EDITOR and executes it; c N goes on from candidate N to the end, as a branch; none notes that none is good;
an empty line leaves";

impl Picking<'_> {
    fn as_told(&mut self, pick: Pick, output: &mut Output) -> Result<(), Report> {
        let mut chosen = match pick {
            Pick::Number(number) => number,
            Pick::Best => self.done.best.ok_or_else(|| {
                Report::failure("no candidate is better than all others")
                    .hint("pick one by its number, or ask another judge: --judge model:NAME")
            })?,
        };
        if self.args.edit {
            chosen = self.edited(chosen, output)?;
        }
        if self.args.save {
            let mut rejected = Vec::new();
            for reject in &self.args.reject {
                match reject {
                    Reject::Number(number) => rejected.push(*number),
                    Reject::All => rejected.extend(self.all_rejected(chosen)),
                }
            }
            if self.args.reject.is_empty() {
                rejected.extend(default_rejected(&self.done, chosen));
            }
            rejected.sort_unstable();
            rejected.dedup();
            self.save(chosen, &rejected, output)?;
        }
        if self.args.go_on {
            self.go_on(chosen, output)?;
        }
        Ok(())
    }

    fn all_rejected(&self, chosen: usize) -> Vec<usize> {
        all_rejected(&self.done, chosen, &self.session.config.judge)
    }

    /// Asks until something is decided, or nothing is said.
    fn ask(&mut self, output: &mut Output) -> Result<(), Report> {
        output.note(HELP);
        loop {
            output.text("pick> ")?;
            output.flush()?;
            let mut line = String::new();
            if std::io::stdin().lock().read_line(&mut line)? == 0 || line.trim().is_empty() {
                return Ok(());
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |text: &str| text.parse::<usize>().ok();
            let done = match words.as_slice() {
                ["none"] => self.none_good(output),
                ["e", of] if number(of).is_some() => {
                    match self.edited(number(of).unwrap_or_default(), output) {
                        Ok(_) => continue,
                        Err(report) => Err(report),
                    }
                }
                ["c", of] if number(of).is_some() => {
                    self.go_on(number(of).unwrap_or_default(), output)
                }
                [of, "all"] if number(of).is_some() => {
                    let chosen = number(of).unwrap_or_default();
                    let rejected = self.all_rejected(chosen);
                    self.save(chosen, &rejected, output)
                }
                [of, others @ ..] if words.iter().all(|word| number(word).is_some()) => {
                    let chosen = number(of).unwrap_or_default();
                    let mut rejected: Vec<usize> = others.iter().filter_map(|word| number(word)).collect();
                    if rejected.is_empty() {
                        rejected.extend(default_rejected(&self.done, chosen));
                    }
                    self.save(chosen, &rejected, output)
                }
                _ => {
                    output.note(HELP);
                    continue;
                }
            };
            match done {
                Ok(()) => return Ok(()),
                // A wrong number is no reason to lose the candidates.
                Err(report) => output.error(&report),
            }
        }
    }

    fn none_good(&mut self, output: &mut Output) -> Result<(), Report> {
        let draft = none_good_draft(self.subject, &self.done)?;
        let records = self.annotation.commit(&[draft], output)?;
        for record in &records {
            self.told(&json!({"note": record.id}), "noted: no candidate is good", output)?;
        }
        Ok(())
    }

    fn save(&mut self, chosen: usize, rejected: &[usize], output: &mut Output) -> Result<(), Report> {
        let kept = self.workspace.kept_candidates();
        let reason = self.args.reason.as_deref();
        let drafts = pair_drafts(self.subject, &self.done, chosen, rejected, reason, &kept)?;
        let records = self.annotation.commit(&drafts, output)?;
        let pairs: Vec<_> = records.iter().filter(|record| matches!(record.verb, Verb::PairNew(_))).collect();
        if self.args.accept {
            let accepted = pairs.iter().map(|record| accept_new_pair(self.subject, record));
            let accepted = accepted.collect::<Result<Vec<_>, _>>()?;
            self.annotation.commit(&accepted, output)?;
        }
        for record in pairs {
            let id = TargetId {
                record: self.subject.record.id.clone(),
                part: Some(record.id.to_string()),
            };
            let told = json!({"pair": id.to_string(), "batch": record.batch_id()});
            self.told(&told, &id.to_string(), output)?;
        }
        Ok(())
    }

    /// Lets a person change a candidate, and executes it. The number of the new one.
    fn edited(&mut self, number: usize, output: &mut Output) -> Result<usize, Report> {
        let known = self.done.pickable(number);
        let known = known.ok_or(crate::rerun::RerunError::NoCandidate(number))?;
        let text = format!(
            "Thought: {}\nCode:\n```py\n{}\n```\n",
            candidate_text(known, Field::Thought),
            candidate_text(known, Field::Code)
        );
        let edited = crate::tui::in_editor(&text, "md").map_err(|reason| {
            Report::failure(format!("the editor can't be used: {reason}"))
                .hint("set VISUAL or EDITOR to the name of an editor")
        })?;
        let texts = parse_candidate(&edited)?;
        let bench = bench::bench(self.args, self.session, self.workspace, output)?;
        let annotator = self.annotation.annotator().to_owned();
        let done = &mut self.done;
        let request = self.request;
        let number = interruptible(|progress| {
            let control = RerunControl::of(progress.clone(), 0);
            add_edited(&bench, request, done, &texts, &annotator, &control, &|_| {})
        });
        let number = number.map_err(cancelled_or)?;
        if self.args.format == RerunFormat::Text {
            super::page::print(&self.done, output)?;
        }
        Ok(number)
    }

    fn go_on(&mut self, chosen: usize, output: &mut Output) -> Result<(), Report> {
        let bench = bench::bench(self.args, self.session, self.workspace, output)?;
        let mut controller = self.args.controller.connect(self.session, Some(self.workspace), output)?;
        let shows = self.args.format == RerunFormat::Text;
        let (request, done) = (self.request, &self.done);
        let (told, events) = std::sync::mpsc::channel();
        let branch = interruptible(|progress| {
            let control = RerunControl::of(progress.clone(), 1);
            std::thread::scope(|scope| {
                let controller = controller.as_mut();
                let (bench, control) = (&bench, &control);
                let job = scope.spawn(move || {
                    let tell = |event| {
                        let _ = told.send(event);
                    };
                    let draw = later_draw(request);
                    go_on(bench, request, done, chosen, draw, controller, control, &tell)
                });
                for event in events {
                    if let (BranchEvent::Step { step, made }, true) = (&event, shows) {
                        let first = made.thought.as_deref().unwrap_or_default();
                        output.note(format!("step {}: {}", step + 1, first.lines().next().unwrap_or_default()));
                    }
                }
                match job.join() {
                    Ok(branch) => branch.map_err(cancelled_or),
                    Err(_) => Err(Report::failure("the run broke off")),
                }
            })
        })?;
        // What is committed with the branch is not lost by it: the workspace's file is read anew.
        let mut workspace = self.session.workspace()?;
        let id = keep_branch(&mut workspace, self.request, &branch)?;
        let told = json!({
            "branch": id,
            "steps": branch.steps.len(),
            "answer": branch.answer,
            "failure": branch.provenance.failure,
        });
        self.told(&told, id.as_str(), output)?;
        if let (Some(failure), true) = (&branch.provenance.failure, shows) {
            output.note(format!("it has no answer of its own: {failure}"));
        }
        Ok(())
    }

    /// What was saved: an object, or a line with an id.
    fn told(&self, json: &serde_json::Value, line: &str, output: &mut Output) -> Result<(), Report> {
        match self.args.format {
            RerunFormat::Json => output.json(json),
            RerunFormat::Text => {
                output.styled(Style::Id, line)?;
                output.line("")
            }
        }
    }
}
