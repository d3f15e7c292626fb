//! How long after a commit the index shows it.

use std::time::{Duration, Instant};

use retake::config::Config;
use retake::corpus::{Corpus, MatchedTarget};
use retake::domain::review::{
    Draft, Edit, Field, NoteText, Rejection, StepKey, StepLabel, Target, TextHash, Verb,
};
use retake::index::Sort;
use retake::index::query::{Query, ResultKind, parse};
use retake::jobs::Progress;
use retake::journal::{Journal, WriterId};
use retake::workspace::Workspace;

use crate::{median, open};

const COMMITS: usize = 50;

/// Commits one decision after the other, each about another trajectory, and waits until a search finds it.
pub fn run(workspace: &Workspace, config: &Config) {
    let mut config = config.clone();
    config.review.annotator = "ada".to_owned();
    let mut corpus = open(workspace, &config);
    let mut journal = Journal::open(
        &workspace.journal_folder(),
        "ada",
        WriterId::random().expect("id"),
    )
    .expect("opened");
    let query = Query {
        result_kind: ResultKind::Trajectory,
        ..Query::default()
    };
    let all = corpus
        .matched_targets(&query, Sort::Source, usize::MAX >> 16)
        .expect("found");
    let chosen: Vec<&MatchedTarget> = (0..COMMITS)
        .map(|n| &all[n * all.len() / COMMITS])
        .collect();
    let (mut commits, mut follows) = (Vec::new(), Vec::new());
    for (number, target) in chosen.into_iter().enumerate() {
        let word = format!("remark{number}");
        let draft = draft(number, target, &word);
        let start = Instant::now();
        let records = journal.append(&[draft]).expect("written");
        commits.push(start.elapsed());
        let start = Instant::now();
        corpus.take_records(records);
        corpus
            .follow(workspace, &Progress::default(), true)
            .expect("followed");
        follows.push(start.elapsed());
        check(&corpus, number, target, &word);
    }
    let most = |times: &[Duration]| times.iter().max().expect("a commit").as_secs_f64() * 1e3;
    let (most_commit, most_follow) = (most(&commits), most(&follows));
    let milliseconds = |times| median(times).as_secs_f64() * 1e3;
    println!("\nThe index follows {COMMITS} commits, one by one");
    println!(
        "  commit                     median {:.1} ms, at most {most_commit:.1} ms",
        milliseconds(commits)
    );
    println!(
        "  found by a search          median {:.0} ms, at most {most_follow:.0} ms  (bar: 200)",
        milliseconds(follows)
    );
}

/// What annotators do all day.
fn draft(number: usize, found: &MatchedTarget, word: &str) -> Draft {
    let target = Target::new(found.id.clone(), found.hash);
    let step = target.with_step(StepKey::Source(1));
    let (target, verb) = match number % 4 {
        0 => {
            let reasons = vec!["hallucination".to_owned()];
            let text = word.to_owned();
            (target, Verb::Reject(Rejection { reasons, text }))
        }
        1 => {
            let text = word.to_owned();
            let note = NoteText {
                text,
                replaces: None,
            };
            (step, Verb::Note(note))
        }
        2 => (step, Verb::Label(StepLabel::new(-1).expect("a label"))),
        _ => {
            let edit = Edit {
                field: Field::Thought,
                side: None,
                text: word.to_owned(),
                against: TextHash::of("before"),
            };
            (step, Verb::Edit(edit))
        }
    };
    Draft::new(target, verb).expect("a draft")
}

fn check(corpus: &Corpus, number: usize, target: &MatchedTarget, word: &str) {
    let text = match number % 4 {
        0 => format!("verdict:rejected reason:{word}"),
        1 => format!("note:{word}"),
        2 => format!("label:bad hash:{}", target.hash),
        _ => format!("thought:{word}"),
    };
    let query = parse(&text).expect("a query");
    let found = corpus
        .matched_targets(&query, Sort::Source, 2)
        .expect("found");
    assert_eq!(found.len(), 1, "{text}");
    assert_eq!(found[0].id, target.id);
}
