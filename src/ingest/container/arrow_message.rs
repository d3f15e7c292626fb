use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::buffer::{Buffer, MutableBuffer};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc;
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::reader::{read_dictionary, read_footer_length};

/// The largest message header: thousands of columns fit.
const LARGEST_HEADER: u64 = 64 << 20;

/// What a writer aligns to at most.
const LARGEST_ALIGNMENT: u64 = 64;

/// The most that a compressed batch may say it unpacks to.
const LARGEST_BATCH: u64 = 1 << 30;

const MAGIC: &[u8] = b"ARROW1";

/// The messages of an Arrow IPC file or stream.
///
/// The file form is a stream between two marks and a directory; both are read as the stream they hold, so a file
/// without its end gives the batches it has.
/// Format: <https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc>.
pub(super) struct ArrowMessages {
    file: File,
    /// Where the messages end.
    end: u64,
    /// The first message after the schema.
    pub first: u64,
    pub schema: SchemaRef,
    /// Whether this is the file form, in which a dictionary may follow the batches that use it.
    is_file: bool,
    /// What is wrong with the end of a file.
    pub cut: Option<String>,
    pub dictionaries: HashMap<i64, ArrayRef>,
}

/// One message, without its body.
pub(super) struct Message {
    /// Where it starts.
    pub start: u64,
    header: Vec<u8>,
    /// Where its body starts.
    pub body: u64,
    pub body_length: u64,
    /// Where the next message starts.
    pub next: u64,
}

impl Message {
    /// Its header.
    pub fn header(&self) -> Result<ipc::Message<'_>, ArrowError> {
        ipc::root_as_message(&self.header).map_err(|error| broken(self.start, &error.to_string()))
    }
}

impl ArrowMessages {
    /// Reads the schema, and a file's dictionaries.
    pub fn open(mut file: File, largest_dictionary: u64) -> Result<Self, ArrowError> {
        let length = file.metadata()?.len();
        let mut mark = [0; 8];
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut mark)?;
        let is_file = mark.starts_with(MAGIC);
        let mut messages = Self {
            file,
            end: length,
            first: if is_file { 8 } else { 0 },
            schema: Arc::new(Schema::empty()),
            is_file,
            cut: None,
            dictionaries: HashMap::new(),
        };
        if is_file {
            match messages.footer_start(length) {
                Ok(end) => messages.end = end,
                Err(_) => messages.cut = Some("the file has no end: it is cut".to_owned()),
            }
        }
        // Writers pad the mark to 8 bytes or more; the word after the padding is never 0.
        while is_file && messages.first < LARGEST_ALIGNMENT && messages.word(messages.first)? == 0 {
            messages.first += 8;
        }
        let opening = messages.at(messages.first)?;
        let opening = opening.ok_or_else(|| broken(0, "no schema"))?;
        let header = opening.header()?;
        let schema = header
            .header_as_schema()
            .ok_or_else(|| broken(0, "no schema"))?;
        if schema.endianness() != ipc::Endianness::Little {
            return Err(ArrowError::IpcError("it is written big-endian".to_owned()));
        }
        messages.schema = Arc::new(try_fb_to_schema(schema)?);
        messages.first = opening.next;
        if is_file && messages.has_dictionaries() {
            messages.read_dictionaries(u64::MAX, largest_dictionary)?;
        }
        Ok(messages)
    }

    fn footer_start(&mut self, length: u64) -> Result<u64, ArrowError> {
        let tail = length
            .checked_sub(10)
            .ok_or_else(|| broken(length, "too short"))?;
        let mut bytes = [0; 10];
        self.file.seek(SeekFrom::Start(tail))?;
        self.file.read_exact(&mut bytes)?;
        let footer = read_footer_length(bytes)? as u64;
        tail.checked_sub(footer)
            .ok_or_else(|| broken(tail, "a wrong footer length"))
    }

    fn has_dictionaries(&self) -> bool {
        self.schema.fields().iter().any(|field| {
            let mut inside = vec![field.data_type()];
            while let Some(kind) = inside.pop() {
                match kind {
                    DataType::Dictionary(_, _) => return true,
                    DataType::Struct(fields) => inside.extend(fields.iter().map(|f| f.data_type())),
                    DataType::List(item)
                    | DataType::LargeList(item)
                    | DataType::ListView(item)
                    | DataType::LargeListView(item)
                    | DataType::FixedSizeList(item, _)
                    | DataType::Map(item, _)
                    | DataType::RunEndEncoded(_, item) => inside.push(item.data_type()),
                    DataType::Union(fields, _) => {
                        inside.extend(fields.iter().map(|(_, field)| field.data_type()));
                    }
                    _ => {}
                }
            }
            false
        })
    }

    /// The message at `start`, or `None` at the end of the messages.
    pub fn at(&mut self, start: u64) -> Result<Option<Message>, ArrowError> {
        if start >= self.end {
            return Ok(None);
        }
        let mut length = self.word(start)?;
        let mut header = start.saturating_add(4);
        if length == u32::MAX {
            length = self.word(header)?;
            header = header.saturating_add(4);
        }
        if length == 0 {
            return Ok(None);
        }
        let length = u64::from(length);
        if length > LARGEST_HEADER {
            return Err(broken(start, "its header is too long"));
        }
        let body = header.saturating_add(length);
        let mut message = Message {
            start,
            header: self.bytes(header, length)?.as_slice().to_vec(),
            body,
            body_length: 0,
            next: body,
        };
        let body_length = message.header()?.bodyLength();
        message.body_length = u64::try_from(body_length)
            .map_err(|_| broken(start, "its body has a negative length"))?;
        message.next = body.saturating_add(message.body_length);
        if message.next > self.end {
            return Err(broken(start, "the file ends inside it: it is cut"));
        }
        Ok(Some(message))
    }

    fn word(&mut self, at: u64) -> Result<u32, ArrowError> {
        let bytes = self.bytes(at, 4)?;
        let word = bytes.as_slice().try_into().map(u32::from_le_bytes);
        word.map_err(|_| broken(at, "the file is cut"))
    }

    /// `length` bytes from `at` on; memory is taken only for bytes that are there.
    pub fn bytes(&mut self, at: u64, length: u64) -> Result<MutableBuffer, ArrowError> {
        let end = at.checked_add(length).filter(|end| *end <= self.end);
        let length = end
            .and_then(|_| usize::try_from(length).ok())
            .ok_or_else(|| broken(at, "the file ends here: it is cut"))?;
        let mut bytes = MutableBuffer::from_len_zeroed(length);
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(bytes.as_slice_mut())?;
        Ok(bytes)
    }

    /// A message's whole body.
    pub fn body(&mut self, message: &Message) -> Result<Buffer, ArrowError> {
        Ok(self.bytes(message.body, message.body_length)?.into())
    }

    /// Takes in a message that holds a dictionary; others are left alone.
    pub fn take_dictionary(&mut self, message: &Message, largest: u64) -> Result<(), ArrowError> {
        let header = message.header()?;
        let Some(dictionary) = header.header_as_dictionary_batch() else {
            return Ok(());
        };
        if message.body_length > largest {
            return Err(broken(
                message.start,
                "its dictionary is over the limit for records",
            ));
        }
        let body = self.body(message)?;
        if let Some(values) = dictionary.data() {
            check_buffers(message, &values, &body)?;
        }
        read_dictionary(
            &body,
            dictionary,
            &self.schema,
            &mut self.dictionaries,
            &header.version(),
        )
    }

    /// Takes in the dictionaries that a batch at `batch` needs.
    pub fn read_dictionaries_for(&mut self, batch: u64, largest: u64) -> Result<(), ArrowError> {
        if self.is_file || !self.has_dictionaries() {
            return Ok(());
        }
        self.read_dictionaries(batch, largest)
    }

    fn read_dictionaries(&mut self, until: u64, largest: u64) -> Result<(), ArrowError> {
        let mut position = self.first;
        while position < until {
            // A cut end is told when the batches are read.
            let Ok(Some(message)) = self.at(position) else {
                break;
            };
            self.take_dictionary(&message, largest)?;
            position = message.next;
        }
        Ok(())
    }

    /// Whether the scan still has to take dictionaries in as it meets them.
    pub fn dictionaries_follow_the_scan(&self) -> bool {
        !self.is_file
    }
}

/// Checks that a batch's buffers lie inside its body, and what compressed ones say they unpack to: memory is taken for
/// that before it is unpacked.
pub(super) fn check_buffers(
    message: &Message,
    batch: &ipc::RecordBatch<'_>,
    body: &[u8],
) -> Result<(), ArrowError> {
    let mut unpacked = 0_u64;
    for buffer in batch.buffers().into_iter().flatten() {
        let from = usize::try_from(buffer.offset()).ok();
        let length = usize::try_from(buffer.length()).ok();
        let bytes = from
            .zip(length)
            .and_then(|(from, length)| body.get(from..)?.get(..length))
            .ok_or_else(|| broken(message.start, "a column points outside of it"))?;
        // A compressed buffer starts with its unpacked length; -1: it is not compressed.
        if let (Some(_), Some(length)) = (batch.compression(), bytes.first_chunk()) {
            let length = u64::try_from(i64::from_le_bytes(*length)).unwrap_or(0);
            unpacked = unpacked.saturating_add(length);
        }
    }
    if unpacked > LARGEST_BATCH {
        let what = format!("it unpacks to more than the limit of {LARGEST_BATCH} bytes");
        return Err(broken(message.start, &what));
    }
    Ok(())
}

/// What is wrong with the message at a byte.
pub(super) fn broken(at: u64, what: &str) -> ArrowError {
    ArrowError::IpcError(format!("message at byte {at}: {what}"))
}
