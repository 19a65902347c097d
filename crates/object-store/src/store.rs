//! The store.

use std::fmt;

use bytes::Bytes;
use databricks_sdk::files::{UploadSource, Volume};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Attributes, CopyMode, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::convert::{self, STORE};
use crate::multipart::VolumeUpload;

/// How many files are deleted at the same time.
const DELETIONS: usize = 10;

/// The files of a volume, or of a directory in one, as an object store; see the [crate].
#[derive(Clone, Debug)]
pub struct VolumeStore {
    volume: Volume,
    put_tags: bool,
}

impl VolumeStore {
    /// A store of what is in the volume. Its settings of transfers hold for all uploads and downloads.
    pub fn new(volume: Volume) -> Self {
        Self { volume, put_tags: true }
    }

    /// Sets whether a put returns the entity tag of what it wrote, which takes a request of its own. Default: `true`. If
    /// that request fails there is no tag, and the put has succeeded all the same.
    #[must_use]
    pub fn with_put_tags(mut self, put_tags: bool) -> Self {
        self.put_tags = put_tags;
        self
    }

    /// The volume.
    pub fn volume(&self) -> &Volume {
        &self.volume
    }

    async fn head(&self, location: &Path) -> Result<ObjectMeta> {
        let found = self.volume.metadata(location.as_ref()).await;
        let found = found.map_err(|error| convert::error(location.as_ref(), error))?;
        convert::meta(location.clone(), found.content_length, convert::date(found.last_modified.as_deref()))
    }

    async fn upload(&self, location: &Path, source: UploadSource, overwrite: bool) -> Result<PutResult> {
        let sent = self.volume.upload(location.as_ref(), source).overwrite(overwrite).await;
        sent.map_err(|error| convert::error(location.as_ref(), error))?;
        Ok(PutResult { e_tag: None, version: None })
    }
}

impl fmt::Display for VolumeStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE} {}", self.volume.root())
    }
}

/// Refuses a location that is the volume itself.
fn check(location: &Path) -> Result<()> {
    if location.as_ref().is_empty() {
        return Err(convert::generic("the location is empty; state the path of a file"));
    }
    Ok(())
}

#[async_trait::async_trait]
impl ObjectStore for VolumeStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        check(location)?;
        if !opts.attributes.is_empty() {
            return Err(convert::unsupported("attributes"));
        }
        let overwrite = match opts.mode {
            PutMode::Overwrite => true,
            PutMode::Create => false,
            PutMode::Update(_) => return Err(convert::not_implemented("a put that replaces one version")),
        };
        let mut put = self.upload(location, UploadSource::from(Bytes::from(payload)), overwrite).await?;
        if self.put_tags {
            put.e_tag = self.head(location).await.ok().and_then(|meta| meta.e_tag);
        }
        Ok(put)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        check(location)?;
        if !opts.attributes.is_empty() {
            return Err(convert::unsupported("attributes"));
        }
        Ok(Box::new(VolumeUpload::start(&self.volume, location.as_ref())))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        check(location)?;
        if options.version.is_some() {
            return Err(convert::unsupported("versions"));
        }
        let meta = self.head(location).await?;
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            Some(range) => {
                let range = range.as_range(meta.size);
                range.map_err(|error| Error::Generic { store: STORE, source: error.into() })?
            }
            None => 0..meta.size,
        };
        let payload = if options.head || range.is_empty() {
            GetResultPayload::Stream(futures_util::stream::empty().boxed())
        } else {
            let mut download = self.volume.download(location.as_ref());
            if options.range.is_some() {
                download = download.range(range.clone());
            }
            let path = location.to_string();
            let pieces = download.stream().await.map_err(|error| convert::error(path.as_str(), error))?;
            let whole = range.end - range.start;
            if pieces.content_length().is_some_and(|length| length != whole) {
                return Err(convert::generic(format!("{path} was changed while it was opened; open it again")));
            }
            GetResultPayload::Stream(pieces.map_err(move |error| convert::error(path.as_str(), error)).boxed())
        };
        Ok(GetResult { payload, meta, range, attributes: Attributes::default() })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let volume = self.volume.clone();
        let deletions = locations.map(move |location| {
            let volume = volume.clone();
            async move {
                let location = location?;
                check(&location)?;
                match volume.delete(location.as_ref()).await {
                    Ok(()) => Ok(location),
                    Err(error) => Err(convert::error(location.as_ref(), error)),
                }
            }
        });
        deletions.buffered(DELETIONS).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (root, directory) = (self.volume.root().to_owned(), prefix.map_or("", |prefix| prefix.as_ref()).to_owned());
        let found = self.volume.walk(&directory);
        let metas = found.map(move |entry| match entry {
            Ok(entry) => convert::listed(&root, entry).map(Some),
            // A prefix that nothing has is no error of a listing.
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(convert::error(directory.as_str(), error)),
        });
        metas.try_filter_map(|meta| async move { Ok(meta) }).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let directory = prefix.map_or("", |prefix| prefix.as_ref());
        let mut found = self.volume.list(directory);
        let (mut common_prefixes, mut objects) = (Vec::new(), Vec::new());
        loop {
            match found.try_next().await {
                Ok(Some(entry)) if entry.is_directory == Some(true) => {
                    let path = entry.path.unwrap_or_default();
                    common_prefixes.push(convert::location(self.volume.root(), &path)?);
                }
                Ok(Some(entry)) => objects.push(convert::listed(self.volume.root(), entry)?),
                Ok(None) => break,
                Err(error) if error.is_not_found() => break,
                Err(error) => return Err(convert::error(directory, error)),
            }
        }
        Ok(ListResult { common_prefixes, objects })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        check(to)?;
        let overwrite = match options.mode {
            CopyMode::Overwrite => true,
            CopyMode::Create => false,
        };
        let opened = self.volume.download(from.as_ref()).stream().await;
        let pieces = opened.map_err(|error| convert::error(from.as_ref(), error))?;
        let length = pieces.content_length();
        if from == to {
            return if overwrite {
                Ok(())
            } else {
                Err(Error::AlreadyExists { path: to.to_string(), source: "it is the file itself".into() })
            };
        }
        let source = UploadSource::stream(length, pieces.into_reader().into_stream());
        self.upload(to, source, overwrite).await.map(drop)
    }
}
