use std::collections::BTreeSet;
use std::fmt;

use super::TensorSource;

/// What is wrong with one tensor of a model's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TensorProblem {
    /// The model needs it and no file has it.
    Missing {
        /// Its name.
        name: String,
        /// The shape that is wanted.
        wanted: Vec<usize>,
    },
    /// It has another shape than the configuration says.
    Shape {
        /// Its name.
        name: String,
        /// The shape that is wanted.
        wanted: Vec<usize>,
        /// The shape that is there.
        found: Vec<usize>,
    },
    /// Its numbers are of a type that can't be read.
    Type {
        /// Its name.
        name: String,
        /// The type that is there.
        found: String,
    },
    /// The model has no place for it.
    Extra {
        /// Its name.
        name: String,
        /// The shape that is there.
        found: Vec<usize>,
    },
}

/// A shape as people write it.
struct Shape<'a>(&'a [usize]);

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides: Vec<String> = self.0.iter().map(usize::to_string).collect();
        write!(f, "[{}]", sides.join(", "))
    }
}

impl fmt::Display for TensorProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, wanted } => {
                write!(f, "`{name}` is missing, {} is wanted", Shape(wanted))
            }
            Self::Shape {
                name,
                wanted,
                found,
            } => {
                let (wanted, found) = (Shape(wanted), Shape(found));
                write!(f, "`{name}` is {found}, {wanted} is wanted")
            }
            Self::Type { name, found } => write!(
                f,
                "`{name}` has numbers of the type {found}, which can't be read"
            ),
            Self::Extra { name, found } => {
                write!(f, "`{name}` {} has no place in the model", Shape(found))
            }
        }
    }
}

/// What a model wants of its files, compared with what is there.
#[derive(Debug, Default)]
pub(super) struct Checklist {
    wanted: BTreeSet<String>,
    problems: Vec<TensorProblem>,
}

impl Checklist {
    /// A tensor is wanted.
    pub fn want(&mut self, source: &dyn TensorSource, name: &str, shape: &[usize]) {
        if !self.wanted.insert(name.to_owned()) {
            return;
        }
        let name = name.to_owned();
        match source.entry(&name) {
            None => self.problems.push(TensorProblem::Missing {
                name,
                wanted: shape.to_vec(),
            }),
            Some(entry) if entry.shape != shape => self.problems.push(TensorProblem::Shape {
                name,
                wanted: shape.to_vec(),
                found: entry.shape,
            }),
            Some(entry) if !entry.is_readable => self.problems.push(TensorProblem::Type {
                name,
                found: entry.kind,
            }),
            Some(_) => {}
        }
    }

    /// A tensor may be there and is not needed.
    pub fn allow(&mut self, name: &str) {
        self.wanted.insert(name.to_owned());
    }

    /// How many tensors are wanted.
    pub fn count(&self) -> usize {
        self.wanted.len()
    }

    /// All that is wrong, what nobody wanted included.
    pub fn finish(mut self, source: &dyn TensorSource) -> Vec<TensorProblem> {
        for name in source.names() {
            // Tables that are computed; older versions saved them, too.
            let is_computed =
                name.ends_with("rotary_emb.inv_freq") || name.ends_with(".position_ids");
            if self.wanted.contains(&name) || is_computed {
                continue;
            }
            let found = source.entry(&name).map(|e| e.shape).unwrap_or_default();
            self.problems.push(TensorProblem::Extra { name, found });
        }
        self.problems
    }
}
