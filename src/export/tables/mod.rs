//! Rows as tables: columns in the layout of Hugging Face, what types they have, and the file.

pub(in crate::export) mod hugging_face;
pub(in crate::export) mod table;
pub(in crate::export) mod table_cell;
pub(in crate::export) mod table_file;
pub(in crate::export) mod table_row;
pub(in crate::export) mod table_shape;
