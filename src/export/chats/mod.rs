//! One chat of an item, which the rows of all trainers are made of, and chats read back from rows.

pub(crate) mod chat;
pub(in crate::export) mod chat_assembly;
pub(in crate::export) mod chat_messages;
pub(in crate::export) mod python_call;
pub(in crate::export) mod row_chat;
pub(in crate::export) mod tool_text;
