use std::collections::BTreeMap;

/// Sound files of a folder that hold no records, by what they hold: there may be thousands that are alike.
#[derive(Default)]
pub(super) struct Strangers(BTreeMap<String, (usize, String)>);

impl Strangers {
    pub(super) fn add(&mut self, file: String, seen: String) {
        self.0.entry(seen).or_insert((0, file)).0 += 1;
    }

    pub(super) fn reasons(self) -> impl Iterator<Item = String> {
        self.0
            .into_iter()
            .map(|(seen, (count, first))| match count {
                1 => format!("{first} holds no records: no format fits {seen}"),
                _ => format!(
                    "{count} of its files hold no records, {first} first: no format fits {seen}"
                ),
            })
    }
}
