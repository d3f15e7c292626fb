use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::ExploreArgs;
use crate::cli::chosen::chosen;
use crate::cli::live_tools::offered;
use crate::cli::serve::limits;
use crate::config::{PictureConfig, RolloutConfig};
use crate::corpus::Selected;
use crate::corpus::decision::Subject;
use crate::corpus::{Corpus, picture_folders};
use crate::domain::{
    Attachment, Context, Origin, PictureReference, Provenance, Role, Task, ToolDefinition,
    Trajectory, percent_decode,
};
use crate::media::PictureRoots;
use crate::report::Report;
use crate::rollout::{
    Draw, Environment, IMPORTS, MissingPictures, Pictures, PromptForm, RolloutOptions,
    new_system_prompt,
};
use crate::rules::ToolLists;
use crate::synth::{ListedTask, Prepared, Shard, TaskName, read_task_list};
use crate::tools::LiveTools;
use crate::workspace::Workspace;

/// Tasks that are explored, by the key of their run, in order.
pub(super) struct Tasks {
    keys: Vec<String>,
    by_key: HashMap<String, Given>,
    /// Where the files of listed tasks are.
    folder: PathBuf,
}

/// Where a task comes from.
enum Given {
    Recorded(Box<Subject>),
    Found(Selected),
    Listed(ListedTask),
}

impl Tasks {
    pub fn of(args: &ExploreArgs, corpus: &Corpus) -> Result<Self, Report> {
        let mut tasks = Self {
            keys: Vec::new(),
            by_key: HashMap::new(),
            folder: PathBuf::new(),
        };
        if let Some(path) = &args.tasks {
            tasks.folder = absolute_folder(path)?;
            for task in read_task_list(path)? {
                let said = format!("{}\n{}", task.task, task.files.join("\n"));
                let hash = blake3::hash(said.as_bytes()).to_hex();
                let id = task.id.clone().unwrap_or_default();
                let key = format!("{id}.{}", hash.get(..8).unwrap_or_default());
                tasks.add(key, Given::Listed(task));
            }
            return Ok(tasks);
        }
        for chosen in chosen(&args.words, corpus)? {
            let given = match &chosen {
                // Its hash is known without reading it.
                Selected::Match(_) => Given::Found(chosen),
                Selected::Id(id) => Given::Recorded(Box::new(Subject::named(corpus, id)?)),
            };
            let record = match &given {
                Given::Recorded(subject) => subject.record.id.to_string(),
                Given::Found(chosen) => chosen.id(),
                Given::Listed(_) => String::new(),
            };
            let (source, record) = record.split_once('/').unwrap_or(("", &record));
            tasks.add(format!("{source}.{}", percent_decode(record)), given);
        }
        Ok(tasks)
    }

    fn add(&mut self, key: String, given: Given) {
        if self.by_key.insert(key.clone(), given).is_none() {
            self.keys.push(key);
        }
    }

    /// The names of all, or of a part.
    pub fn names(&self, shard: Option<Shard>) -> Vec<TaskName> {
        let inside = |key: &&String| shard.is_none_or(|shard| shard.contains(key));
        let name = |key: &String| TaskName {
            key: key.clone(),
            origin: match self.by_key.get(key) {
                Some(Given::Recorded(subject)) => Some(subject.record.hash),
                Some(Given::Found(Selected::Match(found))) => Some(found.hash),
                _ => None,
            },
        };
        self.keys.iter().filter(inside).map(name).collect()
    }

    /// Where pictures of their runs are: where those of their sources are.
    pub fn images(&self, workspace: &Workspace) -> Vec<PathBuf> {
        let sources: BTreeSet<String> = self
            .by_key
            .values()
            .filter_map(|given| match given {
                Given::Recorded(subject) => Some(subject.record.id.source().to_owned()),
                Given::Found(chosen) => {
                    let id = chosen.id();
                    id.split_once('/').map(|(source, _)| source.to_owned())
                }
                Given::Listed(_) => None,
            })
            .collect();
        let mut folders: Vec<PathBuf> = Vec::new();
        let known: BTreeMap<String, _> = workspace
            .sources()
            .into_iter()
            .map(|source| (source.name.clone(), source))
            .collect();
        for source in sources.iter().filter_map(|name| known.get(name)) {
            for folder in picture_folders(source) {
                if !folders.contains(&folder) {
                    folders.push(folder);
                }
            }
        }
        let has_files =
            |given: &Given| matches!(given, Given::Listed(task) if !task.files.is_empty());
        if self.by_key.values().any(has_files) {
            folders.push(self.folder.clone());
        }
        folders
    }
}

/// The folder of a file, as an absolute path.
fn absolute_folder(path: &Path) -> Result<PathBuf, Report> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Report::failure(format!("{} can't be found: {error}", path.display())))?;
    Ok(absolute.parent().unwrap_or(&absolute).to_owned())
}

/// Makes tasks ready; threads share it.
pub(super) struct Workshop<'a> {
    pub corpus: &'a Corpus,
    pub tasks: &'a Tasks,
    /// Without tools.
    pub environment: Environment,
    pub live: Option<&'a LiveTools>,
    pub tool_lists: ToolLists,
    pub settings: &'a RolloutConfig,
    /// Candidates for each step.
    pub count: usize,
    pub seed: u64,
    pub pictures: &'a PictureConfig,
    pub skips_pictures: bool,
    /// The run's name.
    pub run: &'a str,
    pub model: &'a str,
}

impl Workshop<'_> {
    pub fn prepare(&self, name: &TaskName) -> Result<Prepared, Report> {
        match self.tasks.by_key.get(&name.key) {
            Some(Given::Recorded(subject)) => self.recorded(subject),
            Some(Given::Found(chosen)) => self.recorded(&chosen.subject(self.corpus)?),
            Some(Given::Listed(task)) => self.listed(task),
            None => Err(Report::failure("there is no such task")),
        }
    }

    fn recorded(&self, subject: &Subject) -> Result<Prepared, Report> {
        let Some(recorded) = &subject.current.content.trajectory else {
            return Err(Report::failure("the record holds no trajectory"));
        };
        let roots = self.corpus.roots(&subject.record.id);
        let tools = self.tool_lists.of(recorded);
        let pool = &self.environment.pool;
        let live = self
            .live
            .map(|live| live.providers(roots.clone(), pool, &tools));
        let environment = self
            .environment
            .recorded(recorded, &tools, live.unwrap_or_default())?;
        let trajectory = Trajectory {
            system_prompt: recorded.system_prompt.clone(),
            tools: recorded.tools.clone(),
            task: recorded.task.clone(),
            reference_answer: recorded.reference_answer.clone(),
            origin: Some(Box::new(Origin {
                record: subject.record.id.clone(),
                hash: subject.record.hash,
                step: 0,
                context: Some(Context::before(recorded, 0).hash().map_err(|error| {
                    Report::failure(format!("the task can't be hashed: {error}"))
                })?),
            })),
            provenance: self.provenance(&recorded.provenance),
            ..Trajectory::default()
        };
        self.prepared(trajectory, environment, roots, tools.to_vec())
    }

    fn listed(&self, listed: &ListedTask) -> Result<Prepared, Report> {
        let roots = PictureRoots::new(vec![self.tasks.folder.clone()]);
        let pool = &self.environment.pool;
        let live = self
            .live
            .map(|live| live.providers(roots.clone(), pool, &[]));
        let live = live.unwrap_or_default();
        let tools = offered(&live);
        let attachment = |path: &String| {
            let shown = PictureReference::Path(path.clone()).is_picture();
            Attachment::from_path(path.clone(), shown)
        };
        let trajectory = Trajectory {
            task: Task {
                text: listed.task.clone(),
                prompt: None,
                attachments: listed.files.iter().map(attachment).collect(),
            },
            provenance: self.provenance(&Provenance::default()),
            ..Trajectory::default()
        };
        let environment = self.environment.live(PromptForm::Code, live);
        self.prepared(trajectory, environment, roots, tools)
    }

    fn provenance(&self, of: &Provenance) -> Provenance {
        Provenance {
            format: "retake".to_owned(),
            // A run on a benchmark's task is scored like every other.
            role: match of.benchmark {
                Some(_) => Role::Run,
                None => Role::Data,
            },
            run: Some(self.run.to_owned()),
            model: Some(self.model.to_owned()),
            failure: None,
            ..of.clone()
        }
    }

    fn prepared(
        &self,
        mut trajectory: Trajectory,
        mut environment: Environment,
        roots: PictureRoots,
        tools: Vec<ToolDefinition>,
    ) -> Result<Prepared, Report> {
        let form = PromptForm::of(&Context::before(&trajectory, 0));
        environment.form = form;
        if form == PromptForm::Code && trajectory.system_prompt.is_none() {
            let prompt = new_system_prompt(&environment.prompts, &tools, IMPORTS)?;
            trajectory.system_prompt = Some(prompt.text.into());
        }
        let draw = Draw::of_config(self.settings, form, self.count, self.seed);
        Ok(Prepared {
            trajectory,
            environment,
            pictures: Pictures {
                roots,
                limits: limits(self.pictures),
                missing: match self.skips_pictures {
                    true => MissingPictures::LeaveOut,
                    false => MissingPictures::Refuse,
                },
            },
            options: RolloutOptions::new(self.settings, draw),
            tools,
        })
    }
}
