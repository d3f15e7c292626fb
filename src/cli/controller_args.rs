use std::path::PathBuf;

use clap::Args;

use crate::controller::Controller;
use crate::jobs::Progress;
use crate::model::DeviceChoice;
use crate::report::Report;
use crate::serve::{Connector, WantedModel};
use crate::workspace::Workspace;

use super::output::Output;
use super::session::{Session, with_progress};

/// Which controller is asked.
#[derive(Debug, Clone, Args)]
pub struct ControllerArgs {
    /// A name of a model or server, a folder in the layout of Hugging Face, a GGUF file, or the URL of a server, with #MODEL behind it
    /// where that has several (else `model` under [controller] in the settings)
    #[arg(long, value_name = "NAME|DIR|FILE|URL")]
    pub model: Option<String>,
    /// Where a model runs that retake serves itself: auto, cpu, gpu or gpu:N (else `device` under [controller] in the settings)
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceChoice>,
    /// A folder with a LoRA adapter in PEFT's layout, for a model that retake serves itself
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// The environment variable that holds the server's key
    #[arg(long, value_name = "NAME")]
    pub key_variable: Option<String>,
    /// Leave pictures out where the model takes text alone
    #[arg(long)]
    pub drop_images: bool,
}

impl ControllerArgs {
    /// Whether anything of it is said.
    pub fn is_given(&self) -> bool {
        self.wanted() != WantedModel::default()
    }

    /// What is wanted.
    pub fn wanted(&self) -> WantedModel {
        WantedModel {
            model: self.model.clone(),
            device: self.device,
            adapter: self.adapter.clone(),
            key_variable: self.key_variable.clone(),
            drops_images: self.drop_images,
        }
    }

    /// Who makes controllers of names here.
    pub fn connector(
        &self,
        session: &Session,
        workspace: Option<&Workspace>,
    ) -> Result<Connector, Report> {
        let user = session.user_folder();
        Ok(Connector::new(&session.config, user, workspace)?)
    }

    /// The controller, with what is to be known of it told; Ctrl-C ends the wait for a model that is being loaded.
    pub fn connect(
        &self,
        session: &Session,
        workspace: Option<&Workspace>,
        output: &Output,
    ) -> Result<Box<dyn Controller>, Report> {
        let connector = self.connector(session, workspace)?;
        let wanted = self.wanted();
        let connect = |progress: &Progress| connector.connect(&wanted, progress);
        let controller = with_progress(output, CONNECTING, connect)?;
        for note in controller.notes() {
            output.note(format!("warning: {note}"));
        }
        Ok(controller)
    }
}

const CONNECTING: &str = "{spinner} waiting for the model {elapsed}";
