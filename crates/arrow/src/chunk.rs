//! One chunk of a result: an Arrow IPC stream, checked and decoded message by message.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_ipc::{DictionaryBatch, Message};
use arrow_schema::{DataType, SchemaRef};
use bytes::Bytes;

use crate::frames::{Frame, Invalid, frames, one_line};
use crate::unpack::Budget;
use crate::{layout, schema};

/// What is left of a chunk.
pub(crate) struct Chunk {
    stream: Buffer,
    frames: std::vec::IntoIter<Frame>,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    budget: Budget,
    rows: u64,
}

impl Chunk {
    /// Checks the messages of a chunk and reads its schema.
    pub(crate) fn open(bytes: Bytes) -> Result<Self, Invalid> {
        let budget = Budget::new(bytes.len());
        let stream = aligned(bytes);
        let mut frames = frames(&stream)?.into_iter();
        let first = frames.next().ok_or("it has no schema")?;
        let fields = first.message(&stream)?.header_as_schema().ok_or("it has no schema")?;
        schema::check(fields)?;
        let schema = guarded(|| fb_to_schema(fields))?;
        let mut rows: u64 = 0;
        for frame in frames.as_slice() {
            if let Some(batch) = frame.message(&stream)?.header_as_record_batch() {
                rows = rows.saturating_add(layout::rows(&batch)? as u64);
            }
        }
        Ok(Self { stream, frames, schema: Arc::new(schema), dictionaries: HashMap::new(), budget, rows })
    }

    /// The rows of all batches.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch, or `None` after the last. After an error there is none.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, Invalid> {
        while let Some(frame) = self.frames.next() {
            let stream = self.stream.clone();
            let batch = frame.message(&stream).and_then(|message| self.decode(&frame, message));
            match batch {
                Ok(Some(batch)) => return Ok(Some(batch)),
                Ok(None) => {}
                Err(why) => {
                    self.frames = Vec::new().into_iter();
                    return Err(why);
                }
            }
        }
        Ok(None)
    }

    fn decode(&mut self, frame: &Frame, message: Message<'_>) -> Result<Option<RecordBatch>, Invalid> {
        let version = message.version();
        let body = self.stream.slice_with_length(frame.body.start, frame.body.len());
        if let Some(dictionary) = message.header_as_dictionary_batch() {
            let kind = self.dictionary_type(&dictionary)?;
            let values = dictionary.data().ok_or("a dictionary has no values")?;
            layout::check(&values, [&kind], version, &body, &mut self.budget)?;
            let (schema, dictionaries) = (&self.schema, &mut self.dictionaries);
            guarded(|| read_dictionary(&body, dictionary, schema, dictionaries, &version))?
                .map_err(|error| one_line("it cannot be decoded", &error))?;
            return Ok(None);
        }
        let batch = message.header_as_record_batch().ok_or("a message has no batch")?;
        let columns = self.schema.fields().iter().map(|field| field.data_type());
        layout::check(&batch, columns, version, &body, &mut self.budget)?;
        let schema = self.schema.clone();
        let batch = guarded(|| read_record_batch(&body, batch, schema, &self.dictionaries, None, &version))?
            .map_err(|error| one_line("it cannot be decoded", &error))?;
        Ok(Some(batch))
    }

    /// The type of the values of a dictionary.
    fn dictionary_type(&self, dictionary: &DictionaryBatch<'_>) -> Result<DataType, Invalid> {
        // Deprecated in favour of a tracker of ids that the reader does not have yet.
        #[allow(deprecated)]
        let fields = self.schema.fields_with_dict_id(dictionary.id());
        match fields.first().map(|field| field.data_type()) {
            Some(DataType::Dictionary(_, values)) => Ok((**values).clone()),
            _ => Err("it has a dictionary that no column uses".into()),
        }
    }
}

/// The bytes where the decoder wants them: at a multiple of eight. Downloads are there already, so that they are not
/// copied.
fn aligned(bytes: Bytes) -> Buffer {
    if bytes.as_ptr().align_offset(8) == 0 {
        return Buffer::from(bytes);
    }
    let mut copy = MutableBuffer::new(bytes.len());
    copy.extend_from_slice(&bytes);
    copy.into()
}

/// Runs the decoder, whose panics are the last thing that checks before it should leave to happen.
fn guarded<T>(decode: impl FnOnce() -> T) -> Result<T, Invalid> {
    // What is half done after a panic is not used again: the chunk ends with the error.
    catch_unwind(AssertUnwindSafe(decode)).map_err(|panic| {
        let why = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        one_line("the decoder gave up", &why.unwrap_or_default())
    })
}

#[cfg(test)]
mod tests;
