//! Columns of tables.

/// What a column holds, or a member of a structure. Everything may be null.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A number of 64 bits.
    Float,
    /// True or false.
    Boolean,
    /// A picture.
    Picture,
    /// Any JSON value, as its text.
    Json,
    /// A list of one type.
    List(Box<ColumnType>),
    /// An object of these members.
    Struct(Vec<Column>),
}

/// A column, or a member of a structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name, as rows have it.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnType,
}

impl Column {
    /// A column of this name.
    pub fn new(name: &'static str, kind: ColumnType) -> Self {
        Self { name, kind }
    }

    /// A column of text.
    pub fn text(name: &'static str) -> Self {
        Self::new(name, ColumnType::Text)
    }
}

impl ColumnType {
    /// A list of this type.
    pub fn list(self) -> Self {
        Self::List(Box::new(self))
    }
}
