use crate::corpus::{Corpus, Selected, Selection};
use crate::domain::TargetId;
use crate::report::Report;

use crate::cli::selection::standard_input_lines;
use crate::cli::session::{corpus_report, parse_query};

/// What words name: ids if there are such records, else a query. Each trajectory comes once, in the order of the corpus.
pub fn chosen(words: &[String], corpus: &Corpus) -> Result<Vec<Selected>, Report> {
    let selection = match ids(words, corpus)? {
        Some(ids) => Selection::Ids(ids),
        None => Selection::Query(Box::new(parse_query(words)?)),
    };
    let chosen = selection
        .trajectories(corpus)
        .map_err(|error| corpus_report(&error))?;
    if chosen.is_empty() && matches!(selection, Selection::Query(_)) {
        return Err(Report::failure(format!(
            "no trajectory is `{}`, as an id or a query",
            words.join(" ")
        ))
        .hint("`retake search QUERY --format ids` lists ids"));
    }
    Ok(chosen)
}

/// The ids, if the words are ids: `-`, or one that a record has.
fn ids(words: &[String], corpus: &Corpus) -> Result<Option<Vec<String>>, Report> {
    let is_known = |word: &String| word == "-" || corpus.find(&TargetId::parse(word)).is_ok();
    if !words.first().is_some_and(is_known) {
        return Ok(None);
    }
    let mut ids = Vec::new();
    for word in words {
        match word.as_str() {
            "-" => ids.extend(standard_input_lines()?),
            id => ids.push(id.to_owned()),
        }
    }
    Ok(Some(ids))
}
