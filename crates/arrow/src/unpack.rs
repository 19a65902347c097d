//! The sizes that compressed buffers unpack to, known before memory is set aside for them.

use std::io::{self, Read as _};

use arrow_ipc::{BodyCompression, BodyCompressionMethod, CompressionType};

use crate::frames::{Invalid, one_line};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Codec {
    Lz4,
    Zstd,
}

impl Codec {
    pub(crate) fn of(compression: BodyCompression<'_>) -> Result<Self, Invalid> {
        match (compression.codec(), compression.method()) {
            (CompressionType::LZ4_FRAME, BodyCompressionMethod::BUFFER) => Ok(Self::Lz4),
            (CompressionType::ZSTD, BodyCompressionMethod::BUFFER) => Ok(Self::Zstd),
            _ => Err("its compression is of an unknown kind".into()),
        }
    }
}

/// The bytes that the buffers of a chunk may still unpack to.
#[derive(Debug)]
pub(crate) struct Budget(u64);

impl Budget {
    /// * `packed`: the bytes of the chunk as it came, whose size the service limits.
    pub(crate) fn new(packed: usize) -> Self {
        let packed = packed as u64;
        Self(packed.saturating_mul(64).saturating_add(256 << 20).min(4 << 30).max(packed))
    }

    fn take(&mut self, bytes: u64) -> Result<(), Invalid> {
        self.0 = self
            .0
            .checked_sub(bytes)
            .ok_or("its buffers claim to unpack to far more than a chunk of its size holds")?;
        Ok(())
    }
}

/// The bytes that a compressed buffer unpacks to.
pub(crate) fn unpacked(buffer: &[u8], codec: Codec, budget: &mut Budget) -> Result<usize, Invalid> {
    if buffer.is_empty() {
        return Ok(0);
    }
    let (length, packed) =
        buffer.split_first_chunk::<8>().ok_or("a compressed buffer is shorter than its own length")?;
    let size = match i64::from_le_bytes(*length) {
        -1 => return Ok(packed.len()),
        size => u64::try_from(size).map_err(|_| "a compressed buffer claims a negative size")?,
    };
    budget.take(size)?;
    // The decoder of LZ4 goes on for as long as there are blocks, whatever the claim is; that of Zstandard stops there.
    if let Codec::Lz4 = codec
        && size > 0
    {
        let mut decoder = lz4_flex::frame::FrameDecoder::new(packed).take(size.saturating_add(1));
        let found =
            io::copy(&mut decoder, &mut io::sink()).map_err(|error| one_line("a buffer cannot be unpacked", &error))?;
        if found != size {
            return Err("a compressed buffer unpacks to another size than it claims".into());
        }
    }
    usize::try_from(size).map_err(|_| "a compressed buffer is too large".into())
}
