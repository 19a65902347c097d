//! Reading a file of DBFS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use databricks_core::{Error, ErrorKind, Result};
use databricks_models::files as models;
use futures_util::stream;

use super::BLOCK;
use crate::client::Client;
use crate::files::FileReader;

pub(super) async fn open(client: Client, path: String) -> Result<FileReader> {
    let status = client.call(models::dbfs::GetStatus::new(path.as_str())).await?;
    if status.is_dir == Some(true) {
        return Err(Error::new(ErrorKind::InvalidInput, format!("{path} is a directory and cannot be read")));
    }
    let size = status.file_size.unwrap_or(0);
    let pieces = stream::try_unfold((client, path, 0_i64), move |(client, path, offset)| async move {
        if offset >= size {
            return Ok(None);
        }
        let block = block(&client, &path, offset).await?;
        if block.is_empty() {
            let message = format!("{path} ended at byte {offset} of {size}: it was changed while it was read");
            return Err(Error::new(ErrorKind::Decode, message).with_operation("dbfs.read"));
        }
        let offset = offset + i64::try_from(block.len()).unwrap_or(i64::MAX);
        Ok(Some((block, (client, path, offset))))
    });
    Ok(FileReader::new(Box::pin(pieces)))
}

async fn block(client: &Client, path: &str, offset: i64) -> Result<Bytes> {
    let mut read = models::dbfs::Read::new(path);
    (read.offset, read.length) = (Some(offset), Some(BLOCK as i64));
    let data = client.call(read).await?.data.unwrap_or_default();
    let decoded = STANDARD.decode(data).map_err(|error| {
        Error::new(ErrorKind::Decode, "a block of the file is not base64")
            .with_source(error)
            .with_operation("dbfs.read")
    });
    decoded.map(Bytes::from)
}
