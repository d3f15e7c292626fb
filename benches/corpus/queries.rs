//! A warm workspace opened and asked: the first answer, then 500 mixed queries, then the same words with ripgrep.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use retake::config::Config;
use retake::corpus::Corpus;
use retake::index::Sort;
use retake::index::query::{Query, parse};
use retake::workspace::Workspace;

use crate::{median, open};

pub fn run(workspace: &Workspace, config: &Config, files: &[PathBuf]) -> Corpus {
    let query = |text: &str| parse(text).expect("query");
    let ask =
        |corpus: &Corpus, query: &Query| corpus.search(query, Sort::Score, 0, 20).expect("hits");

    let mut first = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        let corpus = open(workspace, config);
        ask(&corpus, &query("chart revenue"));
        first.push(start.elapsed());
    }
    println!("\nWarm workspace");
    println!(
        "  open and first answer      {:.1} ms  (bar: 50)",
        millis(median(first))
    );

    let corpus = open(workspace, config);
    let words = words(&corpus);
    let texts = mixed(&words);
    let queries: Vec<Query> = texts.iter().map(|text| query(text)).collect();
    for query in queries.iter().take(50) {
        ask(&corpus, query);
    }
    let mut times: Vec<(Duration, usize)> = Vec::new();
    for (n, query) in queries.iter().enumerate() {
        let start = Instant::now();
        ask(&corpus, query);
        times.push((start.elapsed(), n));
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].0;
    println!(
        "  {} mixed queries, 20 hits with snippets each",
        queries.len()
    );
    println!(
        "  p50                        {:.2} ms  (bar: 2)",
        millis(at(0.5))
    );
    println!(
        "  p99                        {:.2} ms  (bar: 10)",
        millis(at(0.99))
    );
    for (time, n) in times.iter().rev().take(3) {
        println!("    {:.2} ms  {}", millis(*time), texts[*n]);
    }
    ripgrep(&corpus, &words, files);
    corpus
}

/// Words of the corpus from frequent to rare: those of the tasks of some trajectories.
fn words(corpus: &Corpus) -> Vec<String> {
    let everything = Query::default();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for hit in corpus
        .search(&everything, Sort::Source, 0, 400)
        .expect("hits")
        .first
    {
        let record = corpus.find(&hit.id).expect("record");
        let Some(trajectory) = record.content.trajectory else {
            continue;
        };
        let texts = trajectory
            .steps
            .iter()
            .filter_map(|s| s.observation.as_ref())
            .map(|o| &o.text);
        for word in texts.flat_map(|text| text.split(|c: char| !c.is_ascii_alphabetic())) {
            if word.len() > 3 {
                *counts.entry(word.to_lowercase()).or_default() += 1;
            }
        }
    }
    let mut words: Vec<(String, usize)> = counts.into_iter().collect();
    words.sort_by_key(|(word, count)| (std::cmp::Reverse(*count), word.clone()));
    words.into_iter().map(|(word, _)| word).collect()
}

/// 500 queries of every kind but regular expressions, over words of all frequencies.
fn mixed(words: &[String]) -> Vec<String> {
    let word = |n: usize| &words[(n * n * 7 + n * 13) % words.len()];
    let common = |n: usize| &words[n % 60];
    (0..500)
        .map(|n| match n % 14 {
            0 => word(n).clone(),
            1 => format!("{} {}", word(n), common(n)),
            2 => format!("{} OR {}", word(n), word(n + 1)),
            3 => format!("\"{} {}\"", common(n), common(n + 1)),
            4 => format!("{}*", &word(n)[..4]),
            5 => format!("observation:{}", word(n)),
            6 => format!("tool:visualizer {}", word(n)),
            7 => format!("in:step is:error step:>{}", n % 6),
            8 => format!("steps:{}..{} -{}", 2 + n % 4, 6 + n % 4, common(n)),
            9 => format!("{}~", word(n)),
            10 => format!("in:step {} has:code", word(n)),
            11 => format!("flag:error tool:ask_search_agent {}", common(n)),
            12 => format!("in:pair {}", word(n)),
            _ => format!("code:image_path ({} OR {}) has:image", word(n), common(n)),
        })
        .collect()
}

fn ripgrep(corpus: &Corpus, words: &[String], files: &[PathBuf]) {
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for n in 0..9 {
        let word = &words[n * words.len() / 9];
        let query = parse(&format!("\"{word}\"")).expect("query");
        let start = Instant::now();
        corpus.search(&query, Sort::Score, 0, 20).expect("hits");
        ours.push(start.elapsed());
        let start = Instant::now();
        let status = Command::new("rg")
            .args(["-c", "-F", word.as_str()])
            .args(files)
            .stdout(Stdio::null())
            .status();
        if status.is_err() {
            println!("  ripgrep                    not installed, not compared");
            return;
        }
        theirs.push(start.elapsed());
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "  rg -c -F, same words       {:.0} ms, {:.0} times as long  (bar: 50)",
        millis(theirs),
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}

pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
