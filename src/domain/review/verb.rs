use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::StepKey;
use crate::domain::ContentHash;

/// What a record says. In a journal's line it is `verb`, the name, and `payload`, the fields of what stands in brackets.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// `accept`: the trajectory or pair is good as it is shown.
    Accept,
    /// `accept` of a pair that says which way it was shown: others may have turned it elsewhere.
    AcceptPair(Orientation),
    /// `reject`: it is not.
    Reject(Rejection),
    /// `tie`: both sides of a pair are equally good.
    Tie,
    /// `tie` in blind mode, which says how the sides stood.
    TieBlind(Blindness),
    /// `label`: process reward of a step.
    Label(StepLabel),
    /// `first-wrong-step`: the step it is on is the first that went wrong.
    FirstWrongStep,
    /// `tag`: adds a tag.
    Tag(TagName),
    /// `untag`: takes it away.
    Untag(TagName),
    /// `note`: a remark on a trajectory, pair or step.
    Note(NoteText),
    /// `edit`: a field gets a new text.
    Edit(Edit),
    /// `add-step`: a step that the source does not have.
    AddStep(Box<NewStep>),
    /// `remove-step`: the step is left out.
    RemoveStep,
    /// `move-step`: the step gets another place.
    MoveStep(Place),
    /// `fresh`: the step holds although something before it was edited.
    Fresh,
    /// `tool-result`: what a call of the step returned, where no recording knows it.
    ToolResult(Box<ToolResult>),
    /// `pair-new`: a preference pair; the record's id becomes the pair's id.
    PairNew(Box<NewPair>),
    /// `pair-swap`: which side of a pair is the chosen one.
    PairSwap(Orientation),
    /// `assign`: who is to look at it.
    Assign(Assignment),
    /// `adjudicate`: ends a disagreement.
    Adjudicate(Adjudication),
    /// `undo`: a batch no longer counts.
    Undo(Reversal),
    /// `redo`: an undo no longer counts.
    Redo(Reversal),
    /// A verb of a later version: kept, and left aside.
    Unknown(Box<UnknownVerb>),
}

/// Why something was rejected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Reasons from the configured list.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<String>,
    /// The annotator's own words.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub text: String,
}

/// A step's label for process reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepLabel {
    value: LabelValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "i8", try_from = "i8")]
struct LabelValue(i8);

impl StepLabel {
    /// −1, 0 or 1; `None` for any other number.
    pub fn new(value: i8) -> Option<Self> {
        let value = LabelValue::try_from(value).ok()?;
        Some(Self { value })
    }

    /// −1, 0 or 1.
    pub fn value(self) -> i8 {
        self.value.0
    }
}

impl From<LabelValue> for i8 {
    fn from(label: LabelValue) -> Self {
        label.0
    }
}

impl TryFrom<i8> for LabelValue {
    type Error = &'static str;

    fn try_from(value: i8) -> Result<Self, Self::Error> {
        let is_label = (-1..=1).contains(&value);
        is_label
            .then_some(Self(value))
            .ok_or("a label is -1, 0 or 1")
    }
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagName {
    /// Its name.
    pub tag: String,
}

/// A remark.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteText {
    /// What it says; empty to take away the note that it replaces.
    pub text: String,
    /// The id of the note whose text this one replaces.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaces: Option<Uuid>,
}

/// A field that people edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// The question.
    Task,
    /// A step's thought.
    Thought,
    /// A step's action: Python, the JSON of its tool calls, or its message.
    Code,
    /// What a step's action printed.
    Observation,
    /// The answer.
    Answer,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 5] = [
        Self::Task,
        Self::Thought,
        Self::Code,
        Self::Observation,
        Self::Answer,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Thought => "thought",
            Self::Code => "code",
            Self::Observation => "observation",
            Self::Answer => "answer",
        }
    }

    /// Whether a step has it, and not the whole trajectory.
    pub fn is_of_step(self) -> bool {
        !matches!(self, Self::Task | Self::Answer)
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|field| field.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no field is named `{text}`; there are {names}")
        })
    }
}

/// One of the two candidates of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The better one as the pair was made, whatever was swapped since.
    Chosen,
    /// The worse one.
    Rejected,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Chosen => Self::Rejected,
            Self::Rejected => Self::Chosen,
        }
    }

    /// The same candidate under its other name where the sides are exchanged: as the pair was made from as it is shown, and
    /// back.
    #[must_use]
    pub fn turned_if(self, swapped: bool) -> Self {
        match swapped {
            true => self.other(),
            false => self,
        }
    }
}

/// A new text for a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Which field.
    pub field: Field,
    /// Of a pair: of which of its candidates.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub side: Option<Side>,
    /// The new text; empty takes the field away.
    pub text: String,
    /// The text that the annotator saw and replaced.
    pub against: TextHash,
}

/// The first 8 bytes of the BLAKE3 of a text, to tell whether it is still the same; a missing field is an empty text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TextHash([u8; 8]);

impl TextHash {
    /// The hash of a text.
    pub fn of(text: &str) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
        Self(first)
    }
}

impl fmt::Display for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl From<TextHash> for String {
    fn from(hash: TextHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for TextHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(&text, 16).ok().filter(|_| is_hex);
        let number = number.ok_or("the hash of a text has 16 hexadecimal digits")?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// A step that a person adds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewStep {
    /// The step before it; `None` for the first place.
    pub after: Option<StepKey>,
    /// What it says and does.
    #[serde(flatten)]
    pub texts: LiteralCandidate,
}

/// A thought, an action and an observation as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiteralCandidate {
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thought: Option<String>,
    /// The action: Python.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// What it printed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observation: Option<String>,
}

/// A step's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The step before it; `None` for the first place.
    pub after: Option<StepKey>,
}

/// What a call returned, in a person's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The tool.
    pub tool: String,
    /// The arguments as Python writes them in a call.
    pub arguments: String,
    /// What it returned: a text, or a Python literal.
    pub result: String,
}

/// A preference pair for the step that the record is on: both candidates continue the steps before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPair {
    /// The better one.
    pub chosen: CandidateReference,
    /// The worse one.
    pub rejected: CandidateReference,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub reason: String,
}

/// Where one side of a new pair comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CandidateReference {
    /// The step itself as it is shown.
    Step,
    /// The n-th candidate that was sampled for the step, counted from 1.
    Candidate(u32),
    /// A candidate that a controller generated, by the hash of its record.
    Generated(ContentHash),
    /// What a person wrote.
    Literal(LiteralCandidate),
}

/// Which side of a pair is the chosen one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orientation {
    /// Whether the sides are exchanged, compared with the pair as it was made.
    pub swapped: bool,
    /// Of an acceptance in blind mode: the side that stood to the left (or above), by its name as the pair was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left: Option<Side>,
}

impl Orientation {
    /// An orientation that somebody saw with both sides named.
    pub fn open(swapped: bool) -> Self {
        Self {
            swapped,
            left: None,
        }
    }
}

/// How a pair was shown in blind mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blindness {
    /// The side that stood to the left (or above), by its name as the pair was made.
    pub left: Side,
}

/// Who is to look at something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The queue's name.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub queue: String,
    /// The annotators; they take the place of those whom the same queue named before.
    pub annotators: Vec<String>,
}

/// The end of a disagreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjudication {
    /// What holds.
    pub verdict: Judgement,
    /// Of a pair: whether its sides are exchanged, compared with the pair as it was made.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub swapped: bool,
    /// Why, if it was rejected.
    #[serde(flatten)]
    pub why: Rejection,
}

/// What an adjudication can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// It is good.
    Accept,
    /// It is not.
    Reject,
    /// Both sides of a pair are equally good.
    Tie,
}

impl Judgement {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Tie => "tie",
        }
    }
}

/// What an undo or redo reverses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// Of an undo: the id of a batch, or of a record that is none; of a redo: the id of the undo.
    pub reverses: Uuid,
}

/// A verb that this version does not know, or whose payload it can't read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVerb {
    /// Its name.
    pub name: String,
    /// Its payload as JSON text.
    pub payload: Option<String>,
    /// What is wrong with the payload of a verb that is known.
    pub problem: Option<String>,
}

/// A payload that does not fit its verb.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the payload of `{verb}` can't be used: {reason}")]
pub struct VerbError {
    /// The verb.
    pub verb: String,
    /// What is wrong.
    pub reason: String,
}

impl Verb {
    /// The name as journals write it.
    pub fn name(&self) -> &str {
        match self {
            Self::Accept | Self::AcceptPair(_) => "accept",
            Self::Reject(_) => "reject",
            Self::Tie | Self::TieBlind(_) => "tie",
            Self::Label(_) => "label",
            Self::FirstWrongStep => "first-wrong-step",
            Self::Tag(_) => "tag",
            Self::Untag(_) => "untag",
            Self::Note(_) => "note",
            Self::Edit(_) => "edit",
            Self::AddStep(_) => "add-step",
            Self::RemoveStep => "remove-step",
            Self::MoveStep(_) => "move-step",
            Self::Fresh => "fresh",
            Self::ToolResult(_) => "tool-result",
            Self::PairNew(_) => "pair-new",
            Self::PairSwap(_) => "pair-swap",
            Self::Assign(_) => "assign",
            Self::Adjudicate(_) => "adjudicate",
            Self::Undo(_) => "undo",
            Self::Redo(_) => "redo",
            Self::Unknown(unknown) => &unknown.name,
        }
    }

    /// The payload as JSON text; `None` for a verb without one.
    pub fn payload(&self) -> Result<Option<String>, VerbError> {
        let text = match self {
            Self::Accept | Self::Tie | Self::FirstWrongStep | Self::RemoveStep | Self::Fresh => {
                return Ok(None);
            }
            Self::Unknown(unknown) => return Ok(unknown.payload.clone()),
            Self::Reject(payload) => serde_json::to_string(payload),
            Self::TieBlind(payload) => serde_json::to_string(payload),
            Self::Label(payload) => serde_json::to_string(payload),
            Self::Tag(payload) | Self::Untag(payload) => serde_json::to_string(payload),
            Self::Note(payload) => serde_json::to_string(payload),
            Self::Edit(payload) => serde_json::to_string(payload),
            Self::AddStep(payload) => serde_json::to_string(payload),
            Self::MoveStep(payload) => serde_json::to_string(payload),
            Self::ToolResult(payload) => serde_json::to_string(payload),
            Self::PairNew(payload) => serde_json::to_string(payload),
            Self::PairSwap(payload) | Self::AcceptPair(payload) => serde_json::to_string(payload),
            Self::Assign(payload) => serde_json::to_string(payload),
            Self::Adjudicate(payload) => serde_json::to_string(payload),
            Self::Undo(payload) | Self::Redo(payload) => serde_json::to_string(payload),
        };
        text.map(Some).map_err(|error| self.wrong(error))
    }

    fn wrong(&self, error: impl fmt::Display) -> VerbError {
        VerbError {
            verb: self.name().to_owned(),
            reason: error.to_string(),
        }
    }

    /// Reads a name and a payload (JSON text). What can't be read becomes [`Verb::Unknown`], so that nothing is lost.
    pub fn read(name: &str, payload: Option<&str>) -> Self {
        fn read<'a, T: Deserialize<'a>>(payload: &'a str) -> Result<T, serde_json::Error> {
            serde_json::from_str(payload)
        }
        let text = payload.unwrap_or("{}");
        let read = match name {
            "accept" if payload.is_some() => read(text).map(Self::AcceptPair),
            "accept" => Ok(Self::Accept),
            "reject" => read(text).map(Self::Reject),
            // What else a payload says makes it no less a tie.
            "tie" if payload.is_some() => Ok(read(text).map_or(Self::Tie, Self::TieBlind)),
            "tie" => Ok(Self::Tie),
            "label" => read(text).map(Self::Label),
            "first-wrong-step" => Ok(Self::FirstWrongStep),
            "tag" => read(text).map(Self::Tag),
            "untag" => read(text).map(Self::Untag),
            "note" => read(text).map(Self::Note),
            "edit" => read(text).map(Self::Edit),
            "add-step" => read(text).map(Self::AddStep),
            "remove-step" => Ok(Self::RemoveStep),
            "move-step" => read(text).map(Self::MoveStep),
            "fresh" => Ok(Self::Fresh),
            "tool-result" => read(text).map(Self::ToolResult),
            "pair-new" => read(text).map(Self::PairNew),
            "pair-swap" => read(text).map(Self::PairSwap),
            "assign" => read(text).map(Self::Assign),
            "adjudicate" => read(text).map(Self::Adjudicate),
            "undo" => read(text).map(Self::Undo),
            "redo" => read(text).map(Self::Redo),
            _ => return Self::unknown(name, payload, None),
        };
        read.unwrap_or_else(|error| Self::unknown(name, payload, Some(error.to_string())))
    }

    fn unknown(name: &str, payload: Option<&str>, problem: Option<String>) -> Self {
        Self::Unknown(Box::new(UnknownVerb {
            name: name.to_owned(),
            payload: payload.map(str::to_owned),
            problem,
        }))
    }

    /// Whether it says how good something is: others are to find their own answer before they see it.
    pub fn is_judgement(&self) -> bool {
        matches!(
            self,
            Self::Accept
                | Self::AcceptPair(_)
                | Self::Reject(_)
                | Self::Tie
                | Self::TieBlind(_)
                | Self::PairSwap(_)
                | Self::Label(_)
                | Self::FirstWrongStep
                | Self::Adjudicate(_)
        )
    }

    /// Whether it is an undo or a redo: these say something of records and nothing of what people look at.
    pub fn is_reversal(&self) -> bool {
        matches!(self, Self::Undo(_) | Self::Redo(_))
    }
}
