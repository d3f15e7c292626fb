use super::confirmation::words;
use super::run::StepReplay;
use super::verdict::Verdict;
use crate::tools::is_simulated;

/// Results that a model made up, in the steps of one run: from the first of them on, no step is known to do what was recorded,
/// because variables carry them on.
#[derive(Debug, Default)]
pub(super) struct MadeUp {
    /// Who made up the first of them.
    by: Option<String>,
}

impl MadeUp {
    /// Whether any result so far is made up.
    pub fn is_any(&self) -> bool {
        self.by.is_some()
    }

    /// Takes note of a step's calls, and says what its verdict is worth.
    pub fn mark(&mut self, step: &mut StepReplay) {
        let mut notes: Vec<String> = Vec::new();
        for call in &step.calls {
            let label = call.provider.as_deref().filter(|label| is_simulated(label));
            if let Some(label) = label {
                let note = format!(
                    "{} did not run; {label} made up what it returned",
                    call.name
                );
                notes.extend(Some(note).filter(|note| !notes.contains(note)));
                self.by.get_or_insert_with(|| label.to_owned());
            }
        }
        step.notes.extend(notes);
        if let Some(by) = &self.by
            && step.rule.is_some()
        {
            step.is_independent = false;
            if step.verdict != Verdict::ToolResultUnknown {
                step.reason = format!("with results that {by} made up: {}", words(step));
                step.verdict = Verdict::ToolResultUnknown;
            }
        }
    }
}
