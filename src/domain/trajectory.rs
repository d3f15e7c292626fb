use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    ContentHash, Origin, PictureReference, PreferencePair, Provenance, RecordId, ReferenceAnswer,
    Step, ToolDefinition, Verification,
};

/// One record of a source, as read: where it came from, its text, and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// `<source>/<record>`, unique in a workspace.
    pub id: RecordId,
    /// BLAKE3 over the record's canonical JSON.
    pub hash: ContentHash,
    /// The record's own JSON text, exactly as it stands in the source.
    ///
    /// Writers of the same format start from it, so that what a reader does not understand survives.
    pub raw: Arc<str>,
    /// The key under which the record stood, where its container is an object of records (GTA, Agent-X).
    pub key: Option<String>,
    /// What the record holds.
    pub content: Content,
}

/// What a reader makes of one record: a trajectory, preference pairs, or both (a Pref-X exploration).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    /// The id that the data itself gives the record.
    pub natural_id: Option<String>,
    /// The trajectory, unless the record is only a preference pair.
    pub trajectory: Option<Trajectory>,
    /// Pairs that the record is, or that its candidates imply.
    pub pairs: Vec<PreferencePair>,
    /// What the reader had to pass over inside a record that it could read otherwise.
    pub problems: Vec<String>,
}

/// One run of an agent on one task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// The system prompt; few are distinct and each is about 13 KB, so they are shared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system_prompt: Option<Arc<str>>,
    /// Tools that the record declares (GTA, ATIF, chat formats). Code agents declare theirs in the system prompt.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tools: Vec<ToolDefinition>,
    /// What the agent was asked.
    pub task: Task,
    /// What it did, in order.
    pub steps: Vec<Step>,
    /// The answer it gave, as text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer: Option<String>,
    /// The answer that the data holds to be right.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference_answer: Option<ReferenceAnswer>,
    /// The verdict that came with the data.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verification: Option<Verification>,
    /// The trajectory that this one branched off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub origin: Option<Box<Origin>>,
    /// Format, benchmark, run and model.
    pub provenance: Provenance,
}

/// The task turn of a trajectory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The question alone, without picture marks and attachment lines.
    pub text: String,
    /// The whole turn as the controller saw it, where it differs from `text`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prompt: Option<String>,
    /// Files that belong to the task, pictures included, in the order in which the record names them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub attachments: Vec<Attachment>,
}

/// A file that belongs to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// Where its bytes are.
    pub reference: PictureReference,
    /// Another path under which the record names the same file (M-TRACE uses two roots for one picture).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alias: Option<String>,
    /// What the data says is in it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caption: Option<String>,
    /// Whether the controller got it as pixels (`true`) or only as a path in the prompt.
    pub shown: bool,
}

impl Attachment {
    /// An attachment that is a path in the data.
    pub fn from_path(path: impl Into<String>, shown: bool) -> Self {
        Self {
            reference: PictureReference::Path(path.into()),
            alias: None,
            caption: None,
            shown,
        }
    }

    /// The file name's ending in lower case without the dot (`jpg`, `pdf`), or `None`.
    pub fn file_type(&self) -> Option<String> {
        self.reference.file_type()
    }
}

impl Trajectory {
    /// Whether any attachment or step has a picture.
    pub fn has_pictures(&self) -> bool {
        self.task
            .attachments
            .iter()
            .any(|a| a.reference.is_picture())
            || self.steps.iter().any(|s| {
                !s.pictures.is_empty()
                    || s.observation
                        .as_ref()
                        .is_some_and(|o| !o.pictures.is_empty())
            })
    }
}
