use std::io::{self, Read};

/// A value among a GGUF file's metadata.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) enum GgufValue {
    /// A whole number of any width.
    Integer(i64),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// Text.
    Text(String),
    /// A list of any of these.
    List(Vec<GgufValue>),
}

impl GgufValue {
    /// Text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// A list.
    pub fn list(&self) -> Option<&[GgufValue]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }
}

/// Lists in lists that are followed.
const DEEPEST: usize = 4;

/// Reads little-endian numbers and texts of a GGUF file, never more of them than the file has bytes.
pub(super) struct GgufReader<R> {
    inner: R,
    /// Bytes that are left.
    left: u64,
    /// Bytes that were read.
    read: u64,
}

impl<R: Read> GgufReader<R> {
    /// Of a file of `length` bytes.
    pub fn new(inner: R, length: u64) -> Self {
        Self {
            inner,
            left: length,
            read: 0,
        }
    }

    /// Bytes that were read.
    pub fn position(&self) -> u64 {
        self.read
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.take(N as u64)?;
        self.inner.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// So many bytes are about to be read.
    fn take(&mut self, count: u64) -> io::Result<()> {
        let left = self.left.checked_sub(count);
        self.left = left.ok_or_else(|| io::Error::other("the file ends inside its header"))?;
        self.read += count;
        Ok(())
    }

    /// Four bytes.
    pub fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// A count of things that take at least a byte each.
    pub fn count(&mut self) -> io::Result<usize> {
        let count = self.u64()?;
        let fits = count <= self.left;
        usize::try_from(count)
            .ok()
            .filter(|_| fits)
            .ok_or_else(|| io::Error::other(format!("it claims to have {count} of something")))
    }

    /// A text with its length before it.
    pub fn text(&mut self) -> io::Result<String> {
        let length = self.count()?;
        self.take(length as u64)?;
        let mut bytes = vec![0; length];
        self.inner.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| io::Error::other("a text in it is not UTF-8"))
    }

    /// A value with its type before it.
    pub fn value(&mut self) -> io::Result<GgufValue> {
        let kind = self.u32()?;
        self.value_of(kind, 0)
    }

    fn value_of(&mut self, kind: u32, depth: usize) -> io::Result<GgufValue> {
        Ok(match kind {
            0 => GgufValue::Integer(i64::from(u8::from_le_bytes(self.bytes()?))),
            1 => GgufValue::Integer(i64::from(i8::from_le_bytes(self.bytes()?))),
            2 => GgufValue::Integer(i64::from(u16::from_le_bytes(self.bytes()?))),
            3 => GgufValue::Integer(i64::from(i16::from_le_bytes(self.bytes()?))),
            4 => GgufValue::Integer(i64::from(self.u32()?)),
            5 => GgufValue::Integer(i64::from(i32::from_le_bytes(self.bytes()?))),
            6 => GgufValue::Number(f64::from(f32::from_le_bytes(self.bytes()?))),
            7 => GgufValue::Flag(self.bytes::<1>()? != [0]),
            8 => GgufValue::Text(self.text()?),
            9 if depth < DEEPEST => {
                let kind = self.u32()?;
                let count = self.count()?;
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value_of(kind, depth + 1)?);
                }
                GgufValue::List(values)
            }
            10 => GgufValue::Integer(i64::try_from(self.u64()?).unwrap_or(i64::MAX)),
            11 => GgufValue::Integer(i64::from_le_bytes(self.bytes()?)),
            12 => GgufValue::Number(f64::from_le_bytes(self.bytes()?)),
            other => {
                return Err(io::Error::other(format!(
                    "it has a value of the type {other}"
                )));
            }
        })
    }
}
