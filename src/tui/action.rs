//! Everything a person can do in the TUI, as one table: keymaps name its rows, and help, palette and docs derive from it.

/// Where an action can be used. A key is looked up in the section of its scope first, then in `[global]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everywhere but where text is typed.
    Global,
    /// The search line of the corpus view, while it is typed in.
    Query,
    /// The corpus view.
    Corpus,
    /// The replay view.
    Replay,
    /// The compare view.
    Compare,
    /// New candidates for a step.
    Rerun,
    /// The editor.
    Edit,
    /// Statistics.
    Stats,
    /// Running and finished work.
    Jobs,
    /// Records of the journals.
    Log,
}

impl Scope {
    /// Every scope, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Global,
        Self::Corpus,
        Self::Query,
        Self::Replay,
        Self::Compare,
        Self::Rerun,
        Self::Edit,
        Self::Stats,
        Self::Jobs,
        Self::Log,
    ];

    /// The section's name in keymaps.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Query => "query",
            Self::Corpus => "corpus",
            Self::Replay => "replay",
            Self::Compare => "compare",
            Self::Rerun => "rerun",
            Self::Edit => "edit",
            Self::Stats => "stats",
            Self::Jobs => "jobs",
            Self::Log => "log",
        }
    }

    /// The scope with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Whether printable keys are text here.
    pub fn is_typed_in(self) -> bool {
        matches!(self, Self::Query | Self::Edit)
    }
}

macro_rules! actions {
    ($($action:ident $name:literal $doc:literal [$($scope:ident)*];)*) => {
        /// What a key, the palette or the mouse asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // each has its doc in the table
        pub enum Action {
            $($action,)*
        }

        /// A row of the table.
        #[derive(Debug)]
        pub struct ActionRow {
            /// The action.
            pub action: Action,
            /// Its name in keymaps and in the palette.
            pub name: &'static str,
            /// What it does.
            pub doc: &'static str,
            /// Where it can be used.
            pub scopes: &'static [Scope],
        }

        /// Every action, in the order in which help lists them.
        pub static ACTIONS: &[ActionRow] = &[
            $(ActionRow {
                action: Action::$action,
                name: $name,
                doc: $doc,
                scopes: &[$(Scope::$scope),*],
            },)*
        ];
    };
}

actions! {
    // Everywhere.
    Help "help" "show what the keys do here" [Global];
    Palette "palette" "find an action by its name" [Global];
    Back "back" "close the view in front" [Global];
    Quit "quit" "leave retake" [Global];
    Suspend "suspend" "stop retake and return to the shell (fg comes back)" [Global];
    Redraw "redraw" "draw the screen anew" [Global];
    Refresh "refresh" "look whether sources or journals changed" [Global];
    GoCorpus "go-corpus" "go to the corpus" [Global];
    GoStats "go-stats" "show statistics of what is found" [Global];
    GoJobs "go-jobs" "show running and finished work" [Global];
    GoLog "go-log" "show what was decided" [Global];
    NextTheme "next-theme" "change the colours" [Global];
    Undo "undo" "undo the last decision of yours" [Global];
    Redo "redo" "redo what was undone last" [Global];
    // Moving.
    Down "down" "move or scroll down" [Global];
    Up "up" "move or scroll up" [Global];
    PageDown "page-down" "a page down" [Global];
    PageUp "page-up" "a page up" [Global];
    First "first" "to the beginning" [Global];
    Last "last" "to the end" [Global];
    Left "left" "to the left, or the step before" [Global];
    Right "right" "to the right, or the next step" [Global];
    NextPane "next-pane" "to the next pane" [Global];
    PreviousPane "previous-pane" "to the pane before" [Global];
    // Finding.
    Open "open" "open what is selected" [Corpus Log Jobs];
    EditQuery "edit-query" "type a query" [Corpus];
    ClearQuery "clear-query" "find everything again" [Corpus];
    Include "include" "only what has this value (again: no longer)" [Corpus];
    Exclude "exclude" "nothing that has this value (again: no longer)" [Corpus];
    NextKind "next-kind" "list records, trajectories, steps or pairs" [Corpus];
    NextSort "next-sort" "change the order" [Corpus];
    ToggleFacets "toggle-facets" "show or hide the facets" [Corpus];
    TogglePreview "toggle-preview" "show or hide the preview" [Corpus];
    Mark "mark" "mark or unmark what is selected" [Corpus];
    MarkAll "mark-all" "mark everything that is found" [Corpus];
    ClearMarks "clear-marks" "unmark everything" [Corpus];
    SaveQuery "save-query" "keep the query under a name" [Corpus];
    SavedQueries "saved-queries" "choose a query that was kept" [Corpus];
    NextUnreviewed "next-unreviewed" "to the next that you have not reviewed" [Corpus Replay Compare Rerun];
    ToggleQueue "toggle-queue" "queue mode: after a verdict, on to the next unreviewed" [Corpus Replay Compare Rerun];
    // The search line.
    AcceptQuery "accept-query" "leave the search line, keep the query" [Query];
    CancelQuery "cancel-query" "leave the search line, take the query back" [Query];
    Complete "complete" "complete a field or value (again: the next)" [Query];
    CompleteBack "complete-back" "the completion before" [Query];
    OlderQuery "older-query" "the query before, of the history" [Query];
    NewerQuery "newer-query" "the next query of the history" [Query];
    // Deciding.
    Accept "accept" "accept" [Corpus Replay Compare];
    Reject "reject" "reject, with reasons" [Corpus Replay Compare];
    Tie "tie" "both sides of the pair are equally good" [Corpus Compare];
    LabelGood "label-good" "label the step +1" [Replay];
    LabelNeutral "label-neutral" "label the step 0" [Replay];
    LabelBad "label-bad" "label the step -1" [Replay];
    FirstWrongStep "first-wrong-step" "call the step the first wrong one" [Replay];
    Tag "tag" "add a tag" [Corpus Replay Compare];
    Untag "untag" "take a tag away" [Corpus Replay Compare];
    Note "note" "write a note" [Corpus Replay Compare];
    EditField "edit" "edit a text" [Replay Compare];
    AddStep "add-step" "add a step behind this one" [Replay];
    RemoveStep "remove-step" "remove the step" [Replay];
    MoveStepUp "move-step-up" "move the step to the front by one" [Replay];
    MoveStepDown "move-step-down" "move the step back by one" [Replay];
    Fresh "fresh" "say that stale content holds" [Replay];
    MakePair "make-pair" "make a pair of this step and another candidate" [Replay];
    Swap "swap" "exchange the sides of the pair" [Compare];
    Adjudicate "adjudicate" "end a disagreement" [Corpus Replay Compare];
    // Looking at steps.
    NextStep "next-step" "to the next step" [Replay];
    PreviousStep "previous-step" "to the step before" [Replay];
    Play "play" "play the steps, or stop" [Replay];
    Faster "faster" "play faster" [Replay];
    Slower "slower" "play slower" [Replay];
    NextError "next-error" "to the next error" [Replay];
    NextFlag "next-flag" "to the next flag, and the place it points at" [Replay];
    NextTool "next-tool" "to the next step that calls a tool" [Replay];
    GoToStep "go-to-step" "to a step by its number" [Replay];
    NextMatch "next-match" "to the next match of the query" [Replay];
    PreviousMatch "previous-match" "to the match before" [Replay];
    Fold "fold" "fold or unfold the pane" [Replay Compare];
    FoldAll "fold-all" "fold or unfold all panes" [Replay];
    Zoom "zoom" "show the picture on the whole screen" [Corpus Replay Compare];
    NextPicture "next-picture" "to the next picture" [Corpus Replay Compare];
    PreviousPicture "previous-picture" "to the picture before" [Corpus Replay Compare];
    ToggleGrid "toggle-grid" "show one picture, or all as a grid" [Replay];
    ToggleBoxes "toggle-boxes" "draw the boxes of the observation, or not" [Replay];
    Attachments "attachments" "open a file of the task as text" [Replay Compare];
    RawRecord "raw-record" "show the record as its source has it" [Replay Compare];
    SystemPrompt "system-prompt" "show the system prompt and the tools" [Replay Compare];
    OpenGold "open-gold" "open the gold record of a run, or the runs of a gold task" [Corpus Replay];
    RunAgain "run-again" "run the steps again in the sandbox, and compare what they print" [Replay];
    AnswerCall "answer-call" "type what a call returned that no recording knows, and run it again" [Replay Rerun];
    Rerun "rerun" "new candidates for the step (again: others)" [Replay Rerun];
    OpenCandidates "open-candidates" "open the candidates that a record keeps of a re-run, to pick from" [Corpus Replay Compare];
    Branches "branches" "show what branched off the trajectory" [Replay Rerun];
    OpenPairs "open-pairs" "compare the pairs of the record" [Replay];
    Export "export" "write it to a file for a trainer, or check whether it could be" [Corpus Replay Compare];
    Copy "copy" "copy the id to the clipboard" [Corpus Replay Compare];
    // Comparing.
    ToggleLayout "toggle-layout" "side by side, or one below the other" [Compare];
    ToggleBlind "toggle-blind" "blind mode: sides at random, nothing told before the vote" [Corpus Compare Rerun];
    ChooseLeft "choose-left" "the left (upper) one is better" [Compare];
    ChooseRight "choose-right" "the right (lower) one is better" [Compare];
    // New candidates.
    PickCandidate "pick-candidate" "pick the candidate (again: no longer)" [Rerun];
    EditCandidate "edit-candidate" "write one of your own after it, which is then executed" [Rerun];
    NoneGood "none-good" "say that no candidate is good" [Rerun];
    SavePair "save-pair" "save a pair: the one picked against the one in front, or the recorded step" [Rerun];
    SaveAllPairs "save-all-pairs" "save the one picked against all that it may be paired with" [Rerun];
    GoOn "go-on" "go on from the one picked to the end, as a branch" [Rerun];
    CancelCandidate "cancel-candidate" "give the candidate up" [Rerun];
    CancelRerun "cancel-rerun" "give up all that runs here" [Rerun];
    JudgeReasons "judge-reasons" "show what the judges say of all candidates" [Rerun];
    RerunSettings "rerun-settings" "say the model, how many, and who judges, and start" [Rerun];
    // Editing.
    SaveEdit "save-edit" "save what was typed" [Edit];
    CancelEdit "cancel-edit" "leave, and save nothing" [Edit];
    ExternalEditor "external-editor" "go on in $EDITOR" [Edit];
    // Work.
    CancelJob "cancel-job" "cancel the job" [Jobs];
}

impl Action {
    /// The row of the action.
    pub fn row(self) -> &'static ActionRow {
        // The table is made from the same list as the type.
        let index = self as usize;
        &ACTIONS[index]
    }

    /// The action with this name.
    pub fn named(name: &str) -> Option<Self> {
        let row = ACTIONS.iter().find(|row| row.name == name);
        row.map(|row| row.action)
    }

    /// Whether it can be used in a scope; what is global can be used in every one that is not typed in.
    pub fn is_in(self, scope: Scope) -> bool {
        let scopes = self.row().scopes;
        scopes.contains(&scope) || (scopes.contains(&Scope::Global) && !scope.is_typed_in())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_rows_stand_in_order() {
        for (index, row) in ACTIONS.iter().enumerate() {
            assert_eq!(row.action as usize, index, "{}", row.name);
            assert_eq!(Action::named(row.name), Some(row.action));
            assert!(!row.scopes.is_empty() && !row.doc.is_empty());
            let plain = |b: u8| b.is_ascii_lowercase() || b == b'-';
            assert!(row.name.bytes().all(plain), "{}", row.name);
        }
        assert_eq!(Action::named("nonsense"), None);
    }
}
