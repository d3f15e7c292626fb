//! Who reviews: `--as-user`, else `review.annotator` of the settings, else the user that the system knows.

/// The longest name in bytes: with its encoding it is still a file's name.
const LONGEST: usize = 80;

/// A name as `--as-user` takes it.
pub fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() {
        Err("a name has letters".to_owned())
    } else if name.len() > LONGEST {
        Err(format!("a name has at most {LONGEST} bytes"))
    } else if name.contains(char::is_control) {
        Err("a name has no control characters".to_owned())
    } else {
        Ok(name.to_owned())
    }
}

/// The annotator of a call; empty if nothing and nobody tells.
pub fn annotator(given: Option<&str>, configured: &str) -> String {
    [given, Some(configured)]
        .into_iter()
        .flatten()
        .find_map(|text| name(text).ok())
        .or_else(system_user)
        .unwrap_or_default()
}

/// The user as the environment names them, else as the system does.
fn system_user() -> Option<String> {
    let of_environment = ["LOGNAME", "USER", "USERNAME"]
        .into_iter()
        .find_map(|variable| name(&std::env::var(variable).ok()?).ok());
    of_environment.or_else(owner)
}

/// The name of the user whose process this is. POSIX's `id` asks every directory of users that the system has, which a look
/// into `/etc/passwd` would not.
#[cfg(unix)]
fn owner() -> Option<String> {
    use std::process::{Command, Stdio};
    let mut command = Command::new("id");
    command
        .arg("-un")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let told = command.output().ok().filter(|told| told.status.success())?;
    name(&String::from_utf8(told.stdout).ok()?).ok()
}

/// The environment always names them there.
#[cfg(not(unix))]
fn owner() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_named_first_reviews() {
        assert_eq!(annotator(Some("ana"), "bo"), "ana");
        assert_eq!(annotator(None, " bo "), "bo");
        assert_eq!(annotator(Some("王小明"), ""), "王小明");
    }

    #[test]
    fn names_are_names() {
        assert_eq!(name(" Ana Lima "), Ok("Ana Lima".to_owned()));
        for wrong in ["", "  ", "a\nb", "a\u{1b}[2J", &"a".repeat(81)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_system_knows_its_user() {
        assert!(owner().is_some_and(|name| !name.contains('\n')));
    }
}
