use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use super::builtin::{Surroundings, built_in};
use super::error::ToolsError;
use super::mcp::connect;
use super::model::{ModelAccess, model_tools};
use super::played::simulated;
use super::result_cache::ResultCache;
use super::tool::Provider;
use crate::domain::ToolDefinition;
use crate::jobs::Progress;
use crate::media::PictureRoots;
use crate::sandbox::Pool;
use crate::workspace::Workspace;

/// The live tools of a workspace: MCP servers that it declares, native tools, and a model's.
///
/// The servers end when the last clone of a provider is gone.
#[derive(Clone)]
pub struct LiveTools {
    servers: Vec<Server>,
    /// Where pictures that tools make are kept.
    pictures: PathBuf,
    /// Where results are kept.
    results: PathBuf,
    /// What answers questions about pictures and files; without it they are unavailable.
    pub model: Option<ModelAccess>,
    /// What plays the tools that nothing else answers; only where somebody asked for it.
    pub simulating: Option<ModelAccess>,
}

#[derive(Clone)]
struct Server {
    provider: Provider,
    fingerprint: String,
}

impl LiveTools {
    /// Starts the servers that a workspace declares, side by side. Those that can't be used come back as errors, and the
    /// others go on. Fails where the workspace is not trusted as it is.
    pub fn start(workspace: &Workspace) -> Result<(Self, Vec<ToolsError>), ToolsError> {
        let declared = workspace.mcp_servers()?;
        let pictures = workspace.pictures_folder();
        let started: Vec<Result<Server, ToolsError>> = thread::scope(|scope| {
            let starting = declared.iter().map(|server| {
                let start = || {
                    Ok(Server {
                        provider: connect(server, &pictures)?,
                        fingerprint: server.fingerprint(),
                    })
                };
                (server, scope.spawn(start))
            });
            let starting: Vec<_> = starting.collect();
            let ended = starting.into_iter().map(|(server, thread)| {
                thread.join().unwrap_or_else(|_| {
                    Err(ToolsError::Mcp {
                        server: server.name.clone(),
                        reason: "its start failed".to_owned(),
                    })
                })
            });
            ended.collect()
        });
        let mut tools = Self {
            servers: Vec::new(),
            pictures,
            results: workspace.cache_folder().join("tool-results"),
            model: None,
            simulating: None,
        };
        let mut failed = Vec::new();
        for server in started {
            match server {
                Ok(server) => tools.servers.push(server),
                Err(error) => failed.push(error),
            }
        }
        Ok((tools, failed))
    }

    /// The same for one job: whoever cancels it wants no answer of a model any more.
    #[must_use]
    pub fn of_job(mut self, progress: &Progress) -> Self {
        let models = self.model.iter_mut().chain(&mut self.simulating);
        models.for_each(|model| model.progress = progress.clone());
        self
    }

    /// What they are, in words: a replay with others may say something else.
    pub fn identity(&self) -> String {
        let servers = self.servers.iter();
        let mut parts: Vec<String> = servers
            .map(|server| format!("{} {}", server.provider.label, server.fingerprint))
            .collect();
        parts.extend(
            self.model
                .iter()
                .map(|model| format!("model:{}", model.name)),
        );
        let simulating = self.simulating.iter();
        parts.extend(simulating.map(|model| format!("simulated:{}", model.name)));
        format!("live {}", parts.join(" "))
    }

    /// The providers for one trajectory, preferred first. `roots` are its picture roots, `pool` reads documents, and
    /// `definitions` are the tools that it declares, should a model play them.
    pub fn providers(
        &self,
        roots: PictureRoots,
        pool: &Pool,
        definitions: &[ToolDefinition],
    ) -> Vec<Provider> {
        let roots = Arc::new(roots);
        let cache = ResultCache {
            folder: self.results.clone(),
            roots: Arc::clone(&roots),
        };
        let surroundings = Surroundings {
            roots,
            pictures: self.pictures.clone(),
            pool: pool.clone(),
        };
        let mut providers = Vec::new();
        for server in &self.servers {
            providers.extend(cache.over(server.provider.clone(), &server.fingerprint));
        }
        providers.push(built_in(&surroundings));
        let asked = model_tools(self.model.clone(), &surroundings);
        match &self.model {
            Some(model) => providers.extend(cache.over(asked, &model.name)),
            None => providers.push(asked),
        }
        let simulating = self.simulating.clone();
        providers.extend(simulating.map(|model| simulated(model, definitions)));
        providers
    }
}
