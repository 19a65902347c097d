//! Checks of a record batch as it comes: its lengths against its buffers, and those against the bytes that there are.
//!
//! The decoder checks the values, yet it slices before it compares, and panics where a buffer is not as long as it
//! should be.

use arrow_ipc::{Buffer, FieldNode, MetadataVersion, RecordBatch};
use arrow_schema::{DataType, UnionMode};

use crate::frames::Invalid;
use crate::unpack::{Budget, Codec, unpacked};

/// More rows than any chunk has. Keeps products of lengths and widths within 64 bits.
const MOST_ROWS: usize = 1 << 40;

/// The number of rows of a batch.
pub(crate) fn rows(batch: &RecordBatch<'_>) -> Result<usize, Invalid> {
    length(batch.length())
}

fn length(stated: i64) -> Result<usize, Invalid> {
    usize::try_from(stated)
        .ok()
        .filter(|rows| *rows <= MOST_ROWS)
        .ok_or_else(|| format!("a length is stated as {stated}").into())
}

/// Checks a batch of these columns.
pub(crate) fn check<'t>(
    batch: &RecordBatch<'_>,
    columns: impl IntoIterator<Item = &'t DataType>,
    version: MetadataVersion,
    body: &[u8],
    budget: &mut Budget,
) -> Result<(), Invalid> {
    let nodes: Vec<&FieldNode> = batch.nodes().ok_or("a batch has no list of columns")?.iter().collect();
    let buffers: Vec<&Buffer> = batch.buffers().ok_or("a batch has no list of buffers")?.iter().collect();
    let variadic: Vec<i64> = batch.variadicBufferCounts().into_iter().flatten().collect();
    let mut walk = Walk {
        nodes: nodes.into_iter(),
        buffers: buffers.into_iter(),
        variadic: variadic.into_iter(),
        codec: batch.compression().map(Codec::of).transpose()?,
        version,
        body,
        budget,
    };
    let rows = rows(batch)?;
    for column in columns {
        if walk.column(column)? != rows {
            return Err("a column has another length than its batch".into());
        }
    }
    if walk.nodes.next().is_some() || walk.variadic.next().is_some() {
        return Err("a batch has more columns than the schema".into());
    }
    Ok(())
}

/// Goes through nodes and buffers in the order in which the decoder takes them.
struct Walk<'a, 'b> {
    nodes: std::vec::IntoIter<&'a FieldNode>,
    buffers: std::vec::IntoIter<&'a Buffer>,
    variadic: std::vec::IntoIter<i64>,
    codec: Option<Codec>,
    version: MetadataVersion,
    body: &'b [u8],
    budget: &'b mut Budget,
}

impl<'b> Walk<'_, 'b> {
    /// The length of the next column and its number of NULLs.
    fn node(&mut self) -> Result<(usize, usize), Invalid> {
        let node = self.nodes.next().ok_or("a batch has fewer columns than the schema")?;
        let (rows, nulls) = (length(node.length())?, length(node.null_count())?);
        if nulls > rows { Err("a column has more nulls than rows".into()) } else { Ok((rows, nulls)) }
    }

    /// The next buffer, which must have as many bytes, unpacked.
    fn buffer(&mut self, needed: usize) -> Result<&'b [u8], Invalid> {
        self.buffer_of(needed, 1)
    }

    /// The next buffer, which must have as many bytes and hold whole values of this width.
    fn buffer_of(&mut self, needed: usize, width: usize) -> Result<&'b [u8], Invalid> {
        let buffer = self.buffers.next().ok_or("a batch has fewer buffers than its columns need")?;
        let outside = "a buffer is outside of its batch";
        let start = usize::try_from(buffer.offset()).map_err(|_| outside)?;
        let length = usize::try_from(buffer.length()).map_err(|_| outside)?;
        let end = start.checked_add(length).ok_or(outside)?;
        let bytes = self.body.get(start..end).ok_or(outside)?;
        let size = match self.codec {
            Some(codec) => unpacked(bytes, codec, self.budget)?,
            None => bytes.len(),
        };
        if size < needed {
            return Err(format!("a buffer has {size} bytes where {needed} are needed").into());
        }
        if size % width != 0 {
            return Err(format!("a buffer of {size} bytes ends within a value").into());
        }
        Ok(bytes)
    }

    fn validity(&mut self, rows: usize, nulls: usize) -> Result<(), Invalid> {
        self.buffer(if nulls == 0 { 0 } else { rows.div_ceil(8) }).map(drop)
    }

    fn values(&mut self, rows: usize, width: usize) -> Result<(), Invalid> {
        let needed = rows.checked_mul(width).ok_or("a column is too long")?;
        self.buffer_of(needed, width).map(drop)
    }

    fn offsets(&mut self, rows: usize, width: usize) -> Result<(), Invalid> {
        // A column of no rows may do without its one offset.
        self.values(if rows == 0 { 0 } else { rows + 1 }, width)
    }

    /// Checks a column and returns its length.
    fn column(&mut self, kind: &DataType) -> Result<usize, Invalid> {
        let (rows, nulls) = self.node()?;
        match kind {
            DataType::Null => {
                if nulls != rows {
                    return Err("a column of nulls has something else".into());
                }
            }
            DataType::Boolean => {
                self.validity(rows, nulls)?;
                self.buffer(rows.div_ceil(8))?;
            }
            DataType::Utf8 | DataType::Binary | DataType::LargeUtf8 | DataType::LargeBinary => {
                self.validity(rows, nulls)?;
                self.offsets(rows, if matches!(kind, DataType::Utf8 | DataType::Binary) { 4 } else { 8 })?;
                self.buffer(0)?;
            }
            DataType::Utf8View | DataType::BinaryView => {
                self.validity(rows, nulls)?;
                self.values(rows, 16)?;
                let count = self.variadic.next().ok_or("a column of views has no number of buffers")?;
                for _ in 0..usize::try_from(count).map_err(|_| "a column of views has a negative number of buffers")? {
                    self.buffer(0)?;
                }
            }
            DataType::FixedSizeBinary(width) => {
                self.validity(rows, nulls)?;
                let width = usize::try_from(*width).unwrap_or_default();
                self.buffer(rows.checked_mul(width).ok_or("a column is too long")?)?;
            }
            DataType::List(item) | DataType::Map(item, _) | DataType::LargeList(item) => {
                self.validity(rows, nulls)?;
                self.offsets(rows, if matches!(kind, DataType::LargeList(_)) { 8 } else { 4 })?;
                self.column(item.data_type())?;
            }
            DataType::ListView(item) | DataType::LargeListView(item) => {
                let width = if matches!(kind, DataType::LargeListView(_)) { 8 } else { 4 };
                self.validity(rows, nulls)?;
                self.values(rows, width)?;
                self.values(rows, width)?;
                self.column(item.data_type())?;
            }
            DataType::FixedSizeList(item, size) => {
                self.validity(rows, nulls)?;
                let needed =
                    rows.checked_mul(usize::try_from(*size).unwrap_or_default()).ok_or("a column is too long")?;
                if self.column(item.data_type())? < needed {
                    return Err("a column of lists has too few items".into());
                }
            }
            DataType::Struct(fields) => {
                self.validity(rows, nulls)?;
                for field in fields {
                    if self.column(field.data_type())? != rows {
                        return Err("a member of a struct has another length than the struct".into());
                    }
                }
            }
            DataType::RunEndEncoded(ends, values) => {
                let ends = self.column(ends.data_type())?;
                if self.column(values.data_type())? != ends || (ends == 0 && rows > 0) {
                    return Err("a run-end encoded column has other run ends than values".into());
                }
            }
            DataType::Dictionary(index, _) => {
                self.validity(rows, nulls)?;
                self.values(rows, index.primitive_width().ok_or("a dictionary has no type of index")?)?;
            }
            DataType::Union(fields, mode) => {
                if self.version < MetadataVersion::V5 {
                    self.buffer(0)?;
                }
                self.buffer(rows)?;
                if matches!(mode, UnionMode::Dense) {
                    let needed = rows.checked_mul(4).ok_or("a column is too long")?;
                    let offsets = self.buffer_of(needed, 4)?;
                    // The only buffer that the decoder does not align by itself.
                    if self.codec.is_none()
                        && !offsets.is_empty()
                        && offsets.as_ptr().align_offset(align_of::<i32>()) != 0
                    {
                        return Err("the offsets of a union are not aligned".into());
                    }
                }
                for (_, field) in fields.iter() {
                    let length = self.column(field.data_type())?;
                    if matches!(mode, UnionMode::Sparse) && length != rows {
                        return Err("a member of a union has another length than the union".into());
                    }
                }
            }
            primitive => {
                self.validity(rows, nulls)?;
                self.values(rows, primitive.primitive_width().ok_or("a column has an unknown type")?)?;
            }
        }
        Ok(rows)
    }
}
