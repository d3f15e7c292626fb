//! Vision-language models: what their files say, and what they answer. The only user of Burn and of tokenizers.
//!
//! | file or folder | what |
//! |---|---|
//! | `chat_template`, `tokenizer`, `picture_tokens`, `token_count` | text, tokens and their number, without weights |
//! | `picture_pixels`, `resampling` | image processors |
//! | `architecture`, `llama/`, `smolvlm/`, … | the table of architectures, one folder each: configuration and how it is built |
//! | `qwen/` | what three of them share |
//! | `layers/`, `vision/` | what they are built from |
//! | `kernels/` | what layers do most, written for the CPU |
//! | `weights/` | tensors of safetensors and GGUF files, adapters, and all that can be wrong with them |
//! | `network` | tokens and pictures to logits |
//! | `generate/` | prompts to candidates |
//! | `hub/` | models of a hub, downloaded |
//! | `language_model` | all of it, loaded |
//!
//! Figures are those of the `transformers` library (`tests/reference/` compares them). A model that is not known, or a file
//! that is missing, is an error: nothing is estimated.

mod architecture;
#[cfg(test)]
mod bad_files_tests;
mod chat;
mod chat_template;
mod config;
mod decoder_config;
mod device;
mod error;
mod generate;
mod gguf_parts;
#[cfg(test)]
mod gguf_tests;
pub mod hub;
mod idefics3;
mod kernels;
mod language_model;
mod layers;
mod llama;
mod model_folder;
mod network;
#[cfg(test)]
mod parity_tests;
mod picture_pixels;
mod picture_tokens;
mod python_text;
mod qwen;
mod qwen2_5_vl;
mod qwen2_vl;
mod qwen3_vl;
mod random;
mod registry;
mod resampling;
#[cfg(test)]
mod runnable_tests;
#[cfg(any(test, feature = "gpu"))]
mod self_test;
mod smolvlm;
#[cfg(test)]
mod speed_tests;
mod summary;
mod token_count;
mod tokenizer;
mod vision;
mod weights;
mod weights_hash;

pub use chat::{ChatMessage, ChatPart, PictureSize};
pub use chat_template::ChatTemplate;
pub use device::{ComputeDevice, DeviceChoice};
pub use error::ModelError;
pub use generate::{
    CandidateOptions, Completion, Finish, GenerationRequest, GenerationStatistics, Generator,
    Piece, Prompt, PromptPicture, Sampling, TokenLogprob, Told,
};
pub use language_model::{Model, ModelOptions, Quantization};
pub use picture_pixels::PicturePixels;
pub use picture_tokens::PictureTokens;
pub use registry::{ModelRegistry, last_part};
pub use summary::ModelSummary;
pub use token_count::TokenCounter;
pub use tokenizer::Tokenizer;
pub use vision::Pixels;
pub use weights::TensorProblem;
pub use weights_hash::WeightFiles;
