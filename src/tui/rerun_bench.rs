//! Where re-runs of the workbench happen: controllers, live tools, and the bench that all of them share.

use std::sync::Arc;

use crate::controller::Controller;
use crate::jobs::{Progress, Slots};
use crate::media::DecodeLimits;
use crate::prompts::Prompts;
use crate::report::Report;
use crate::rerun::RerunBench;
use crate::rollout::{MissingPictures, tool_model};
use crate::serve::{Connector, WantedModel};
use crate::tools::{LiveTools, ModelAccess, ToolsError};
use crate::workspace::{Workspace, WorkspaceError};

use super::backend::Backend;
use super::rerun::RerunSettings;
use super::rerunning::locked;

impl Backend {
    /// The controller of a name; that of the settings without one.
    pub(super) fn controller(
        &self,
        name: &str,
        settings: &RerunSettings,
        progress: &Progress,
    ) -> Result<Box<dyn Controller>, Report> {
        if let Some(make) = &self.reruns.controllers {
            return make(name);
        }
        let connector = self.connector()?;
        Ok(connector.connect(&wanted(name, settings), progress)?)
    }

    fn connector(&self) -> Result<Connector, Report> {
        let workspace = self.workspace();
        let user = self.user_folder.as_deref();
        Ok(Connector::new(&self.config, user, Some(&workspace))?)
    }

    /// Where candidates are executed, and what is to be known of the live tools there.
    pub(super) fn bench(
        &self,
        settings: &RerunSettings,
    ) -> Result<(RerunBench, Vec<String>), Report> {
        let missing = match settings.drops_pictures {
            true => MissingPictures::LeaveOut,
            false => MissingPictures::Refuse,
        };
        let (live, warnings) = match settings.live {
            true => self
                .live_tools(settings)
                .map(|(tools, said)| (Some(tools), said))?,
            false => (None, Vec::new()),
        };
        let bench = RerunBench {
            missing,
            live,
            ..self.shared_bench()?
        };
        Ok((bench, warnings))
    }

    /// The live tools of the workspace, started when they are wanted first; the model itself answers questions about pictures and files.
    fn live_tools(&self, settings: &RerunSettings) -> Result<(LiveTools, Vec<String>), Report> {
        let mut started = locked(&self.reruns.live);
        let (mut tools, said) = match started.as_ref() {
            Some((tools, said)) => (tools.clone(), said.clone()),
            None => {
                // Servers take their time: nobody else waits for the workspace meanwhile.
                let root = self.workspace().root().to_owned();
                let workspace = Workspace::open(&root, self.user_folder.as_deref());
                let workspace = workspace.map_err(|error| Report::from_error(&error))?;
                let (tools, failed) = LiveTools::start(&workspace).map_err(tools_report)?;
                let said = failed.into_iter().map(|error| tools_report(error).message);
                let said: Vec<String> = said.collect();
                *started = Some((tools.clone(), said.clone()));
                (tools, said)
            }
        };
        let name = match settings.model.as_str() {
            "" => &self.config.controller.model,
            name => name,
        };
        if let Some(make) = self.reruns.controllers.clone() {
            let named = name.to_owned();
            tools.model = Some(ModelAccess {
                name: name.to_owned(),
                progress: Progress::default(),
                make: Arc::new(move || make(&named).map_err(|report| report.message)),
            });
        } else if !name.is_empty() {
            tools.model = Some(tool_model(
                &self.connector()?,
                &wanted(name, settings),
                name,
            ));
        }
        Ok((tools, said))
    }

    /// What all re-runs share, made at the first one.
    fn shared_bench(&self) -> Result<RerunBench, Report> {
        let mut bench = locked(&self.reruns.bench);
        if let Some(bench) = bench.as_ref() {
            return Ok(bench.clone());
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workspace = self.workspace();
        let own = self
            .user_folder
            .as_ref()
            .map(|folder| folder.join("prompts"));
        let shared = workspace
            .is_trusted()
            .then(|| workspace.folder().join("prompts"));
        let pictures = &self.config.pictures;
        let made = RerunBench {
            pool: self.pool_of(cores, Progress::default())?,
            slots: Slots::new(cores),
            live: None,
            prompts: Prompts::new(own.into_iter().chain(shared).collect()),
            limits: DecodeLimits {
                max_bytes: pictures.max_file_mb.saturating_mul(1 << 20),
                max_pixels: pictures.max_megapixels.saturating_mul(1_000_000),
                ..DecodeLimits::default()
            },
            missing: MissingPictures::Refuse,
            rollout: self.config.rollout.clone(),
            judge: self.config.judge.clone(),
        };
        *bench = Some(made.clone());
        Ok(made)
    }
}

/// The model of a name; that of the settings without one.
fn wanted(name: &str, settings: &RerunSettings) -> WantedModel {
    WantedModel {
        model: Some(name.to_owned()).filter(|name| !name.is_empty()),
        drops_images: settings.drops_pictures,
        ..WantedModel::default()
    }
}

fn tools_report(error: ToolsError) -> Report {
    let report = Report::from_error(&error);
    match error {
        ToolsError::Workspace(WorkspaceError::NotTrusted | WorkspaceError::NotTrustedTools) => {
            report.hint("look at .retake/workspace.toml, then run `retake trust`")
        }
        _ => report,
    }
}
