//! The builder of a request.

use http::HeaderName;
use serde::Serialize;

use crate::body::{Body, Part};
use crate::field_mask::{self, FieldMask, MaskPlace, MaskRule, PendingMask};
use crate::operation::{JsonObject, OperationInfo, Payload, RequestContext, RequestParts};
use crate::{Error, ErrorKind, Result};

/// Puts a body in the place of the one that the request was made with.
#[doc(hidden)]
pub fn put_body(mut parts: RequestParts, content: Body) -> RequestParts {
    match &mut parts.payload {
        Payload::Body { body, .. } => *body = content,
        Payload::Multipart(form) => {
            // The stream is written last.
            if let Some(part) = form.last_mut() {
                part.body = content;
            }
        }
        Payload::None | Payload::Json(_) => {}
    }
    parts
}

/// Builds the request of a generated operation, input by input; the first thing that cannot be sent is what
/// [`build`](Self::build) reports.
///
/// Methods for optional inputs do nothing when the input is unset. All of them borrow the builder: it is large, and most
/// inputs are unset.
#[derive(Debug)]
pub struct RequestBuilder {
    /// `None` once something cannot be sent, and when the request was built.
    parts: Option<RequestParts>,
    error: Option<Error>,
    object: Option<JsonObject>,
    form: Vec<Part>,
    rule: Option<MaskRule>,
    mask: Option<PendingMask>,
}

impl RequestBuilder {
    /// Starts the request of this operation.
    pub fn new(info: &'static OperationInfo, context: &RequestContext) -> Self {
        let (parts, error) = match RequestParts::new(info, context) {
            Ok(parts) => (Some(parts), None),
            Err(error) => (None, Some(error)),
        };
        Self { parts, error, object: None, form: Vec::new(), rule: None, mask: None }
    }

    /// A path parameter that is one segment.
    pub fn path(&mut self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> &mut Self {
        self.and(|parts| parts.set_segment(name, value))
    }

    /// A path parameter that may span segments.
    pub fn segments(&mut self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> &mut Self {
        self.and(|parts| parts.set_segments(name, value))
    }

    /// A query parameter, optional or not.
    pub fn query(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> &mut Self {
        self.and(|parts| parts.set_query(name, value))
    }

    /// A query parameter that is always the same.
    pub fn constant(&mut self, name: &str, value: &str) -> &mut Self {
        self.and(|parts| parts.set_query(name, value))
    }

    /// A required header.
    pub fn header(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.and(|parts| parts.set_header(HeaderName::from_static(name), Some(value)))
    }

    /// An optional header.
    pub fn header_optional(&mut self, name: &'static str, value: &Option<String>) -> &mut Self {
        self.and(|parts| parts.set_header(HeaderName::from_static(name), value.as_deref()))
    }

    /// Sends a JSON object, `{}` unless members follow.
    pub fn object(&mut self) -> &mut Self {
        if let Some(parts) = &self.parts {
            self.object = Some(JsonObject::new(parts.info));
        }
        self
    }

    /// A required member of the JSON object.
    pub fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> &mut Self {
        if let (Some(_), Some(object)) = (&self.parts, &mut self.object)
            && let Err(error) = object.member(name, value)
        {
            self.fail(error);
        }
        self
    }

    /// An optional member of the JSON object.
    #[inline]
    pub fn optional(&mut self, name: &str, value: &Option<impl Serialize>) -> &mut Self {
        match value {
            Some(value) => self.member(name, value),
            None => self,
        }
    }

    /// The whole JSON body. `_name` is what the input is called.
    pub fn json(&mut self, _name: &str, value: &(impl Serialize + ?Sized)) -> &mut Self {
        self.and(|parts| parts.set_json(value))
    }

    /// The whole JSON body if it is set, else `{}`.
    pub fn json_optional(&mut self, name: &str, value: &Option<impl Serialize>) -> &mut Self {
        match value {
            Some(value) => self.json(name, value),
            None => self.object(),
        }
    }

    /// States how the mask of an update follows from what is set in the input `of`; see the entries at `MaskRule`.
    pub fn masked(&mut self, of: &'static str, entries: &'static str) -> &mut Self {
        self.rule = Some(MaskRule { of, entries });
        self
    }

    /// The mask of an update in the query; computed if it is unset.
    pub fn mask(&mut self, name: &'static str, value: &Option<FieldMask>) -> &mut Self {
        match value {
            Some(value) => self.query(name, value),
            None => {
                self.mask = Some(PendingMask { name, place: MaskPlace::Query });
                self
            }
        }
    }

    /// The mask of an update as a member of the JSON object; computed if it is unset.
    pub fn mask_member(&mut self, name: &'static str, value: &Option<FieldMask>) -> &mut Self {
        match value {
            Some(value) => self.member(name, value),
            None => {
                self.mask = Some(PendingMask { name, place: MaskPlace::Member });
                self
            }
        }
    }

    /// A field of a form.
    pub fn field(&mut self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> &mut Self {
        self.form.push(Part::field(name, value.to_string()));
        self
    }

    /// An optional field of a form.
    pub fn field_optional(&mut self, name: &str, value: &Option<impl std::fmt::Display>) -> &mut Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// A field of a form that is sent as `true` or not at all.
    pub fn flag(&mut self, name: &str, value: &Option<bool>) -> &mut Self {
        if *value == Some(true) { self.field(name, "true") } else { self }
    }

    /// A file of a form; `None` stands for a stream that was sent before.
    pub fn file(&mut self, name: &str, body: Option<Body>) -> &mut Self {
        match body {
            Some(body) => self.form.push(Part::file(name, name, body)),
            None => self.refuse_second_use(),
        }
        self
    }

    /// A body of this media type, as it is; `None` stands for a stream that was sent before.
    pub fn raw(&mut self, media_type: &'static str, body: Option<Body>) -> &mut Self {
        match body {
            Some(body) => self.and(|parts| {
                parts.payload = Payload::Body { content_type: media_type, body };
                Ok(())
            }),
            None => {
                self.refuse_second_use();
                self
            }
        }
    }

    /// The request. The builder is empty afterwards.
    ///
    /// # Errors
    /// What the first input that cannot be sent lacks.
    pub fn build(&mut self) -> Result<RequestParts> {
        if let (Some(mask), Some(rule)) = (self.mask.take(), self.rule.take()) {
            self.compute(&mask, &rule);
        }
        let Some(mut parts) = self.parts.take() else {
            let again = || Error::new(ErrorKind::InvalidInput, "the request was built before");
            return Err(self.error.take().unwrap_or_else(again));
        };
        if let Some(object) = self.object.take() {
            parts.payload = object.finish();
        }
        if !self.form.is_empty() {
            parts.payload = Payload::Multipart(std::mem::take(&mut self.form));
        }
        Ok(parts)
    }

    /// Adds the mask of what is set; all that is sent has been written before.
    fn compute(&mut self, mask: &PendingMask, rule: &MaskRule) {
        let Some(parts) = &self.parts else { return };
        let (info, name) = (parts.info, mask.name);
        let resource = match (&self.object, &parts.payload) {
            (Some(object), _) => field_mask::resource(&object.text(), Some(rule.of)),
            (None, Payload::Json(text)) => field_mask::resource(text, None),
            _ => field_mask::resource(b"", None),
        };
        match (rule.mask(info, name, &resource), &mask.place) {
            (Ok(Some(paths)), MaskPlace::Member) => {
                self.member(name, &paths);
            }
            (Ok(Some(paths)), MaskPlace::Query) => {
                self.and(|parts| parts.set_computed_mask(name, paths));
            }
            (Ok(None), MaskPlace::Query) => {
                self.and(|parts| parts.set_computed_mask(name, FieldMask::default()));
            }
            (Ok(None), MaskPlace::Member) => {}
            (Err(error), _) => self.fail(error),
        }
    }

    fn and(&mut self, step: impl FnOnce(&mut RequestParts) -> Result<()>) -> &mut Self {
        if let Some(parts) = &mut self.parts
            && let Err(error) = step(parts)
        {
            self.fail(error);
        }
        self
    }

    /// The first failure is the one that counts.
    #[cold]
    fn fail(&mut self, error: Error) {
        self.parts = None;
        self.error.get_or_insert(error);
    }

    fn refuse_second_use(&mut self) {
        if let Some(parts) = &self.parts {
            let error = Error::new(
                ErrorKind::InvalidInput,
                "the body is a stream that can be sent once; give bytes or Body::from_factory to send it again",
            )
            .with_operation(parts.info.id);
            self.fail(error);
        }
    }
}
