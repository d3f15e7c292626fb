//! retake, a terminal workbench for multimodal agent trajectories.
//!
//! The map, lowest level first; a folder imports only levels below its own (`tests/it/layers.rs` checks it):
//!
//! | level | folder | what it does |
//! |---|---|---|
//! | 0 | [`report`] | what a person sees of an error |
//! | 1 | [`domain`] | trajectories, steps, pairs, ids: plain data |
//! | 1 | [`config`] | embedded defaults under the user's file |
//! | 1 | [`jobs`] | progress and cancel |
//! | 2 | [`workspace`] | finding `.retake/`, sources and roots, trust |
//! | 2 | [`media`] | picture references to pixels, inside the picture roots |
//! | 2 | [`ingest`] | one file per format, to the domain |
//! | 2 | [`index`] | tantivy: schema, query language, facets |
//! | 2 | [`journal`] | append-only records of what people decide; merging |
//! | 2 | [`prompts`] | finds and fills in prompts, a person's own before the embedded ones |
//! | 2 | [`rules`] | pure checks of a trajectory, and answer scorers |
//! | 2 | [`model`] | vision-language models: weights, tokenizer, chat template, generation |
//! | 2 | [`sandbox`] | runs one step's Python in a limited worker process |
//! | 3 | [`corpus`] | sources = current state; runs the rules, feeds the index |
//! | 3 | [`controller`] | what proposes a step: a client of chat completions, a script |
//! | 3 | [`export`] | one file per format, from the domain |
//! | 4 | [`corpus_export`] | of a corpus into a file: what of it, in which form |
//! | 4 | [`serve`] | a model as a server of chat completions |
//! | 4 | [`tools`] | what answers a tool call: the recording, live tools |
//! | 5 | [`rollout`] | the one loop: context, candidates, execution, next step |
//! | 5 | [`replay`] | runs recorded steps again and compares |
//! | 6 | [`judge`] | scores and ranks candidates, makes pairs of them |
//! | 7 | [`synth`] | stages of synthesis pipelines: explorations, which make preference pairs |
//! | 7 | [`rerun`] | new candidates for a step, pairs and branches of what is picked |
//! | 8 | [`tui`] | the terminal workbench: views, keys, effects |
//! | 9 | [`cli`] | one file per verb; the only place that prints |

pub mod cli;
pub mod config;
pub mod controller;
pub mod corpus;
pub mod corpus_export;
pub mod domain;
pub mod export;
pub mod index;
pub mod ingest;
pub mod jobs;
pub mod journal;
pub mod judge;
pub mod media;
pub mod model;
pub mod prompts;
pub mod replay;
pub mod report;
pub mod rerun;
pub mod rollout;
pub mod rules;
pub mod sandbox;
pub mod serve;
pub mod synth;
pub mod tools;
pub mod tui;
pub mod workspace;
