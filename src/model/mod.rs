//! What can be told of a model from its folder, in the layout of Hugging Face, without its weights: the text that its chat
//! template makes of messages, and how many tokens text and pictures become.
//!
//! Figures are those of the `transformers` library (`tests/reference/` compares them). A model that is not known to it, or
//! a file that is missing, is an error: nothing is estimated.

mod chat;
mod chat_template;
mod error;
mod model_folder;
mod picture_tokens;
mod python_text;
mod token_count;
mod tokenizer;

pub use chat::{ChatMessage, ChatPart, PictureSize};
pub use chat_template::ChatTemplate;
pub use error::ModelError;
pub use picture_tokens::PictureTokens;
pub use token_count::TokenCounter;
pub use tokenizer::Tokenizer;
