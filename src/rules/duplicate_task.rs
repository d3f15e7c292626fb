use super::{Flag, Place, Rule, RuleContext};
use crate::domain::{RecordId, Trajectory};

const NAME: &str = "duplicate-task";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "An earlier record of the same source has the same task with the same files. The first record of a task does not \
          fire, nor does a run of a benchmark's task.",
    check,
};

fn check(_: &Trajectory, context: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    flags.extend(context.same_task_as.map(duplicate_task_flag));
}

/// The flag of a record whose task an earlier one has: whoever knows all records can raise it later.
pub fn duplicate_task_flag(earlier: &RecordId) -> Flag {
    Flag::at(NAME, Place::Task, format!("the same task as {earlier}"))
}

#[cfg(test)]
mod tests {
    use crate::domain::RecordId;
    use crate::rules::sample::{Files, trajectory};
    use crate::rules::{Place, RuleContext, check};

    #[test]
    fn the_earlier_record_is_named() {
        let id = RecordId::from("source/7");
        let context = |same| RuleContext::new(&[], &Files, same, &[]);
        let found = check(&trajectory([]), &context(Some(&id)));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].field, Place::Task);
        assert_eq!(found[0].message, "the same task as source/7");
        assert!(check(&trajectory([]), &context(None)).is_empty());
    }
}
