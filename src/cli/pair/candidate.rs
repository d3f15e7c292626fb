use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::cli::given_text::{argument, file_text};
use crate::corpus::decision::parse_candidate;
use crate::domain::review::CandidateReference;
use crate::report::Report;

/// Where one side of a new pair comes from, as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CandidateArg {
    /// `step`
    Step,
    /// `candidate:N`
    Candidate(u32),
    /// `file:PATH`
    File(PathBuf),
    /// `text:TEXT`
    Text(String),
}

impl FromStr for CandidateArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "step, candidate:N, file:PATH or text:TEXT";
        if text == "step" {
            return Ok(Self::Step);
        }
        let (kind, rest) = text
            .split_once(':')
            .ok_or_else(|| format!("a candidate is {form}"))?;
        match kind {
            "candidate" => match rest.parse() {
                Ok(number) if number > 0 => Ok(Self::Candidate(number)),
                _ => Err("candidates are counted from 1".to_owned()),
            },
            "file" if !rest.is_empty() => Ok(Self::File(PathBuf::from(rest))),
            "text" => Ok(Self::Text(rest.to_owned())),
            _ => Err(format!("a candidate is {form}")),
        }
    }
}

impl fmt::Display for CandidateArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step => f.write_str("step"),
            Self::Candidate(number) => write!(f, "candidate:{number}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Text(text) => write!(f, "text:{text}"),
        }
    }
}

impl CandidateArg {
    /// The candidate as a record names it; files are read now.
    pub fn reference(&self) -> Result<CandidateReference, Report> {
        let literal = |text: String| {
            let candidate = parse_candidate(&text)?;
            Ok(CandidateReference::Literal(candidate))
        };
        match self {
            Self::Step => Ok(CandidateReference::Step),
            Self::Candidate(number) => Ok(CandidateReference::Candidate(*number)),
            Self::File(path) => literal(file_text(path)?),
            Self::Text(text) => literal(argument(text)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_survive_their_text_form() {
        for text in [
            "step",
            "candidate:2",
            "file:a/b.json",
            "text:Thought: x",
            "text:-",
        ] {
            let read: CandidateArg = text.parse().expect(text);
            assert_eq!(read.to_string(), text);
        }
        for wrong in [
            "",
            "steps",
            "candidate:0",
            "candidate:x",
            "file:",
            "other:1",
        ] {
            assert!(wrong.parse::<CandidateArg>().is_err(), "{wrong}");
        }
    }
}
