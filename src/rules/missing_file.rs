use super::{Flag, Place, Rule, RuleContext};
use crate::domain::{PictureReference, Trajectory};

const NAME: &str = "missing-file";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "An attachment whose file is not there, under neither of its paths. Does not fire where that cannot be known: \
          for addresses, and for sources without a picture root.",
    check,
};

fn check(trajectory: &Trajectory, context: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    for (n, attachment) in trajectory.task.attachments.iter().enumerate() {
        let is_missing =
            |reference: &PictureReference| context.files.exists(reference) == Some(false);
        let alias = attachment.alias.clone().map(PictureReference::Path);
        if is_missing(&attachment.reference) && alias.as_ref().is_none_or(is_missing) {
            let message = format!("{} is not there", attachment.reference.label());
            flags.push(Flag::at(NAME, Place::Attachment(n), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{Attachment, PictureReference};
    use crate::rules::Place;
    use crate::rules::sample::{flags_of, trajectory};

    #[test]
    fn only_a_file_known_to_be_missing_is_flagged() {
        let mut trajectory = trajectory([]);
        let attachments = &mut trajectory.task.attachments;
        attachments.push(Attachment::from_path("missing.png", false));
        attachments.push(Attachment {
            alias: Some("there.png".to_owned()),
            ..Attachment::from_path("missing.png", false)
        });
        attachments.push(Attachment {
            reference: PictureReference::Url("https://example.org/missing.png".to_owned()),
            ..Attachment::from_path("", false)
        });
        let found = flags_of(super::NAME, &trajectory);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].step, found[0].field),
            (None, Place::Attachment(1))
        );
    }
}
