use super::BRANCHES;
use crate::corpus::{Corpus, CorpusError};
use crate::domain::{ContentHash, RecordId, TargetId, Trajectory};
use crate::index::Sort;
use crate::index::query::parse;

/// A trajectory with all that branched off it, as a tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Lineage {
    /// The tree, depth first; the trajectory that branched off nothing comes first.
    pub branches: Vec<Branch>,
}

/// A trajectory in a tree of branches.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Its id.
    pub id: RecordId,
    /// How far below the root.
    pub depth: usize,
    /// The step that is another one than in what it branched off, from 0; `None`: the root.
    pub step: Option<usize>,
    /// Steps that it has.
    pub steps: usize,
    /// Its answer.
    pub answer: Option<String>,
    /// Why it ended early.
    pub failure: Option<String>,
    /// Whether it is the one that was asked for.
    pub is_this: bool,
    /// Whether no source has it any more: only the branches name it.
    pub is_gone: bool,
}

struct Known {
    id: RecordId,
    hash: ContentHash,
    trajectory: Trajectory,
}

/// The tree that a trajectory stands in; it alone, where nothing branched off it and it branched off nothing.
pub fn lineage(corpus: &Corpus, id: &RecordId) -> Result<Lineage, CorpusError> {
    let known = branches(corpus)?;
    let target = |id: &RecordId| TargetId {
        record: id.clone(),
        part: None,
    };
    let asked = corpus.find(&target(id))?;
    // Up to the root; a branch of a branch names that one.
    let mut root = asked.id.clone();
    let mut root_hash = asked.hash;
    let mut origin = asked.content.trajectory.and_then(|trajectory| trajectory.origin);
    let mut seen = vec![root_hash];
    while let Some(from) = origin {
        if seen.contains(&from.hash) {
            break;
        }
        seen.push(from.hash);
        root = from.record.clone();
        root_hash = from.hash;
        let above = known.iter().find(|branch| branch.hash == from.hash);
        origin = above.and_then(|branch| {
            root = branch.id.clone();
            branch.trajectory.origin.clone()
        });
    }
    let first = corpus.find(&target(&root)).ok();
    let trajectory = first.as_ref().and_then(|record| record.content.trajectory.as_ref());
    let mut lineage = Lineage {
        branches: vec![Branch {
            depth: 0,
            step: None,
            steps: trajectory.map_or(0, |trajectory| trajectory.steps.len()),
            answer: trajectory.and_then(|trajectory| trajectory.answer.clone()),
            failure: None,
            is_this: root_hash == asked.hash,
            is_gone: trajectory.is_none(),
            id: root,
        }],
    };
    // Depth first, without recursion; nothing branches off itself.
    let mut open: Vec<(&Known, usize)> = Vec::new();
    let mut shown = vec![root_hash];
    // A source that changed keeps its branches: they name it, too.
    let push = |open: &mut Vec<_>, hash: ContentHash, id: &RecordId, depth: usize| {
        let below = known.iter().rev().filter(|branch| {
            let origin = branch.trajectory.origin.as_ref();
            origin.is_some_and(|origin| origin.hash == hash || origin.record == *id)
        });
        open.extend(below.map(|branch| (branch, depth)));
    };
    let root = lineage.branches[0].id.clone();
    push(&mut open, root_hash, &root, 1);
    while let Some((branch, depth)) = open.pop() {
        if shown.contains(&branch.hash) {
            continue;
        }
        shown.push(branch.hash);
        lineage.branches.push(Branch {
            id: branch.id.clone(),
            depth,
            step: branch.trajectory.origin.as_ref().map(|origin| origin.step),
            steps: branch.trajectory.steps.len(),
            answer: branch.trajectory.answer.clone(),
            failure: branch.trajectory.provenance.failure.clone(),
            is_this: branch.hash == asked.hash,
            is_gone: false,
        });
        push(&mut open, branch.hash, &branch.id, depth + 1);
    }
    Ok(lineage)
}

/// Every branch of the workspace, in the order in which they were made.
fn branches(corpus: &Corpus) -> Result<Vec<Known>, CorpusError> {
    let Ok(query) = parse(&format!("source:{BRANCHES}")) else {
        return Ok(Vec::new());
    };
    let is_source = |source: &crate::corpus::SourceState| source.name == BRANCHES;
    if !corpus.state().sources.iter().any(is_source) {
        return Ok(Vec::new());
    }
    let hits = corpus.search(&query, Sort::Source, 0, usize::MAX >> 16)?;
    let mut known = Vec::with_capacity(hits.first.len());
    for hit in hits.first {
        let record = corpus.find(&hit.id)?;
        if let Some(trajectory) = record.content.trajectory {
            known.push(Known {
                id: record.id,
                hash: record.hash,
                trajectory,
            });
        }
    }
    Ok(known)
}
