use std::collections::BTreeMap;
use std::thread;

use crossbeam::channel::bounded;

use crate::jobs::{Cancelled, Progress};

/// Works on items in several threads and gives the results in the order of the items, as soon as they can be given.
///
/// Items are taken one by one, and only a few are on their way at any time. On cancel no further item is begun; results
/// that are there are given.
pub fn in_order<Item: Send, Done: Send>(
    items: impl Iterator<Item = Item> + Send,
    threads: usize,
    progress: &Progress,
    work: impl Fn(Item) -> Done + Sync,
    mut give: impl FnMut(Done),
) -> Result<(), Cancelled> {
    let threads = threads.max(1);
    let (jobs, taken) = bounded::<(u64, Item)>(threads);
    let (results, finished) = bounded::<(u64, Done)>(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (taken, results, work) = (taken.clone(), results.clone(), &work);
            scope.spawn(move || {
                for (number, item) in taken {
                    if progress.check().is_err() || results.send((number, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        scope.spawn(move || {
            for job in (0..).zip(items) {
                if progress.check().is_err() || jobs.send(job).is_err() {
                    return;
                }
            }
        });
        drop((taken, results));
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (number, done) in finished {
            waiting.insert(number, done);
            while let Some(done) = waiting.remove(&next) {
                next += 1;
                progress.advance(1);
                give(done);
            }
        }
        // After a cancel there may be gaps.
        waiting.into_values().for_each(&mut give);
    });
    progress.check()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_all_of_them() {
        let progress = Progress::default();
        let mut given = Vec::new();
        let work = |item: u64| {
            // Some take longer than those after them.
            thread::sleep(std::time::Duration::from_micros(item * 7 % 5 * 200));
            item * 2
        };
        in_order(0..100, 4, &progress, work, |done| given.push(done)).expect("not cancelled");
        assert_eq!(given, (0..100).map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(progress.amounts().0, 100);
    }

    #[test]
    fn a_cancelled_job_stops_and_gives_what_it_has() {
        let progress = Progress::default();
        let mut given = Vec::new();
        let work = |item: u64| {
            if item == 5 {
                progress.cancel();
            }
            item
        };
        let ended = in_order(0..1_000_000, 2, &progress, work, |done| given.push(done));
        assert!(ended.is_err());
        assert!(given.len() >= 5 && given.len() < 1000, "{}", given.len());
        assert!(given.is_sorted());
    }
}
